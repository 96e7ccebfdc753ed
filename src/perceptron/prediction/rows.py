"""Rows of a CSV or Parquet file, a chunk at a time."""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pa_compute
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from perceptron.data.delimited import separator_of
from perceptron.data.encoding import MISSING_TEXTS, Code, encode, from_texts
from perceptron.errors import UsageError
from perceptron.prediction.columns import are_numbers, check_columns, check_count

_BLOCK_BYTES = 1 << 21
_CHUNK_ROWS = 1 << 16
_LONGEST_FIRST_LINE = 1 << 24
_DECIMAL_COMMA = r"^([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)$"


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some rows of a file.

    Attributes:
        features: ``(n_rows, n_features)`` float32, raw, in the model's order.
        ids: what names the rows.
    """

    features: npt.NDArray[np.float32]
    ids: Any


def read_rows(
    path: Path | None,
    *,
    features: Sequence[str],
    encoding: Sequence[str] = (),
    row_id: str | None = None,
    ignored: Collection[str] = (),
    progress: Callable[[float], None] = lambda _: None,
    stdin: BinaryIO | None = None,
) -> Iterator[Chunk]:
    """Chunks of a file; its memory does not grow with the file.

    Args:
        path: of a Parquet or a CSV file; None for CSV on ``stdin``.
        features: the model's columns. They are matched by name, in any order; a CSV file whose first line holds
            numbers alone has no names, and its columns are matched by their order.
        encoding: how columns of any kind become the features, from the model's schema; other columns of the file are
            left out then. Empty where the features are the columns.
        row_id: column that names the rows; None for their number from 0.
        ignored: columns to be left out.
        progress: called with the share of the file that is read.
        stdin: bytes to read where there is no path.

    Raises:
        UsageError: where columns are missing, extra or not numeric, a value is missing or not finite, or the file
            cannot be read.
    """
    source = str(path) if path else "standard input"
    codes = from_texts(encoding)
    if codes:
        features = [code["column"] for code in codes]
    try:
        if path is None:
            assert stdin is not None  # noqa: S101
            chunks = _csv(stdin, 0, source, features, codes, row_id, ignored, progress)
        elif _is_parquet(path):
            chunks = _parquet(path, features, codes, row_id, ignored, progress)
        else:
            chunks = _csv(path.open("rb"), path.stat().st_size, source, features, codes, row_id, ignored, progress)
        first_row = 0
        for batch in chunks:
            yield _chunk(batch, first_row, source, features, codes, row_id)
            first_row += batch.num_rows
    except (OSError, pa.ArrowException, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(_explained(error, source, features, row_id)) from error
    if first_row == 0:
        raise UsageError(f"input must have rows, got none in {source}; name another file")


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


class _Counted(io.RawIOBase):
    """A stream with bytes put back in front, that tells how much was read."""

    def __init__(self, head: bytes, stream: BinaryIO, told: Callable[[int], None]) -> None:
        self._head = head
        self._stream = stream
        self._told = told
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] or self._stream.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        self._read += len(data)
        self._told(self._read)
        return len(data)


def _csv(
    stream: BinaryIO,
    size: int,
    source: str,
    features: Sequence[str],
    codes: Sequence[Code],
    row_id: str | None,
    ignored: Collection[str],
    progress: Callable[[float], None],
) -> Iterator[Any]:
    with stream:
        line = stream.readline(_LONGEST_FIRST_LINE)
        text = line.decode("utf-8-sig")
        # What was trained on a file may be asked with one like it; a model of numbers alone has seen none.
        separator = separator_of(text) if codes else ","
        cells = next(csv.reader([text], delimiter=separator, skipinitialspace=True), [])
        if not cells:
            raise UsageError(f"input must have rows, got none in {source}; name another file")
        has_names = not are_numbers(cells)
        names = [cell.strip() for cell in cells] if has_names else list(features)
        if has_names:
            left_out = [*ignored, *names] if codes else ignored
            check_columns(names, wanted=features, row_id=row_id, ignored=left_out, source=source)
        elif row_id or ignored or codes:
            raise UsageError(
                f"id, ignore and columns of texts need a first line with the columns' names, got none in {source}; "
                "add it"
            )
        else:
            check_count(len(cells), wanted=features, source=source)
        counted = _Counted(b"" if has_names else line, stream, lambda read: progress(read / size if size else 0))
        types = dict.fromkeys(features, pa.string() if codes else pa.float64()) | (
            {row_id: pa.string()} if row_id else {}
        )
        try:
            reader = pa_csv.open_csv(
                io.BufferedReader(counted, _BLOCK_BYTES),
                # One thread: then a message has the row's number.
                pa_csv.ReadOptions(column_names=names, block_size=_BLOCK_BYTES, use_threads=False),
                parse_options=pa_csv.ParseOptions(delimiter=separator, newlines_in_values=bool(codes)),
                convert_options=pa_csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    null_values=[""],
                    strings_can_be_null=bool(codes),
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return
            raise
        yield from (_as_in_training(batch, features, separator) for batch in reader) if codes else reader


def _as_in_training(batch: Any, features: Sequence[str], separator: str) -> Any:
    """Texts without blanks around them, missing where they say so, and with points for decimal commas."""
    for name in features:
        texts = pa_compute.utf8_trim_whitespace(batch.column(name))
        texts = pa_compute.if_else(pa_compute.is_in(texts, value_set=pa.array(MISSING_TEXTS)), None, texts)
        if separator != ",":
            texts = pa_compute.replace_substring_regex(texts, _DECIMAL_COMMA, r"\1.\2")
        batch = batch.set_column(batch.schema.get_field_index(name), name, texts)
    return batch


def _parquet(
    path: Path,
    features: Sequence[str],
    codes: Sequence[Code],
    row_id: str | None,
    ignored: Collection[str],
    progress: Callable[[float], None],
) -> Iterator[Any]:
    with pa_parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        left_out = [*ignored, *schema.names] if codes else ignored
        check_columns(schema.names, wanted=features, row_id=row_id, ignored=left_out, source=str(path))
        for name in () if codes else features:
            kind = schema.field(name).type
            if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
                raise UsageError(f"every column must be numeric, got {name} of {kind} in {path}; encode it as numbers")
        read = 0
        for batch in file.iter_batches(_CHUNK_ROWS, columns=[*features, *([row_id] if row_id else [])]):
            yield batch
            read += batch.num_rows
            progress(read / max(file.metadata.num_rows, 1))


def _chunk(
    batch: Any, first_row: int, source: str, features: Sequence[str], codes: Sequence[Code], row_id: str | None
) -> Chunk:
    ids = batch.column(row_id) if row_id else pa.array(range(first_row, first_row + batch.num_rows), pa.int64())
    if codes:
        frame = batch.select(list(features)).to_pandas()
        frame.index += first_row
        return Chunk(features=encode(frame, codes), ids=ids)
    values = np.empty((batch.num_rows, len(features)), dtype=np.float32)
    # What is too large for float32 becomes infinite, and is reported below.
    with np.errstate(over="ignore"):
        for i, name in enumerate(features):
            # A missing value comes out as NaN.
            values[:, i] = batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    if not np.isfinite(values).all():
        row, i = np.argwhere(~np.isfinite(values))[0]
        shown = batch.column(features[i])[int(row)].as_py()
        raise UsageError(
            f"every value must be a finite number, got {'none' if shown is None else shown} in column {features[i]}, "
            f"row {first_row + row}, in {source}; fill it or leave the row out"
        )
    return Chunk(features=values, ids=ids)


def _explained(error: Exception, source: str, features: Sequence[str], row_id: str | None) -> str:
    """What pyarrow says, with the name of the column that it counts."""
    text = str(error).splitlines()[0]
    if found := re.search(r"column #(\d+):(?: Row #(\d+):)? CSV conversion error to (\w+): invalid value '(.*)'", text):
        columns = [*features, *([row_id] if row_id else [])]
        name = columns[int(found[1])] if int(found[1]) < len(columns) else f"number {found[1]}"
        row = f", {_row(found[2])}" if found[2] else ""
        return (
            f"every column must be numeric, got {found[4]!r} in column {name}{row}, in {source}; encode it as numbers"
        )
    if found := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", text):
        return f"every row must have {found[2]} columns, got {found[3]} in {_row(found[1])}, in {source}; mend the file"
    return f"input must be a readable CSV or Parquet file, got {text} in {source}; name another"


def _row(counted: str) -> str:
    """Number of a row from 0, as in the answers; pyarrow counts from 1, without the line of names."""
    return f"row {int(counted) - 1}"
