"""Rows of a CSV, Parquet or Feather file, a chunk at a time."""

import csv
import logging
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perceptron.data.delimited import COMPRESSED, DAMAGED, opened
from perceptron.data.encoding import Code, encode, from_texts
from perceptron.data.novelties import Novelties
from perceptron.errors import UsageError, reason
from perceptron.prediction.columnar import columnar_batches, is_columnar
from perceptron.prediction.delimited import delimited_batches

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some rows of a file.

    Attributes:
        features: ``(n_rows, n_features)`` float64, raw, in the model's order.
        ids: what names the rows.
    """

    features: npt.NDArray[np.float64]
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
    """Chunks of a file; its memory does not grow with the file. At the end values are named that no training row had.

    Args:
        path: of a Parquet, Feather or CSV file; None for CSV on ``stdin``.
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
    novelties = Novelties()
    try:
        first_row = 0
        for batch in _batches(path, source, features, codes, row_id, ignored, progress, stdin):
            yield _chunk(batch, first_row, source, features, codes, row_id, novelties)
            first_row += batch.num_rows
    except (OSError, pa.ArrowException, UnicodeDecodeError, csv.Error, *DAMAGED) as error:
        raise UsageError(_explained(error, source, features, row_id)) from error
    if first_row == 0:
        raise UsageError(f"input must have rows, got none in {source}; name another file")
    for line in novelties.lines:
        log.warning("%s", line)


def _batches(
    path: Path | None,
    source: str,
    features: Sequence[str],
    codes: Sequence[Code],
    row_id: str | None,
    ignored: Collection[str],
    progress: Callable[[float], None],
    stdin: BinaryIO | None,
) -> Iterator[Any]:
    if path is not None and is_columnar(path):
        yield from columnar_batches(
            path, features=features, is_encoded=bool(codes), row_id=row_id, ignored=ignored, progress=progress
        )
        return
    # How long decompressed bytes are is known at their end.
    size = 0 if path is None or path.suffix.lower() in COMPRESSED else path.stat().st_size
    with ExitStack() as stack:
        stream = stdin if path is None else stack.enter_context(opened(path, "input"))
        assert stream is not None  # noqa: S101
        yield from delimited_batches(
            stream,
            source=source,
            features=features,
            is_encoded=bool(codes),
            row_id=row_id,
            ignored=ignored,
            told=lambda read: progress(read / size if size else 0),
        )


def _chunk(
    batch: Any,
    first_row: int,
    source: str,
    features: Sequence[str],
    codes: Sequence[Code],
    row_id: str | None,
    novelties: Novelties,
) -> Chunk:
    ids = batch.column(row_id) if row_id else pa.array(range(first_row, first_row + batch.num_rows), pa.int64())
    if codes:
        # What pandas had as the index when it wrote the file is a column like the others.
        frame = batch.select(list(features)).to_pandas(ignore_metadata=True)
        frame.index += first_row
        return Chunk(features=encode(frame, codes, novelties=novelties), ids=ids)
    values = np.empty((batch.num_rows, len(features)))
    for i, name in enumerate(features):
        # A missing value comes out as NaN. Whole numbers of more than 53 bits are rounded, as in training.
        values[:, i] = batch.column(name).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        finite = np.isfinite(values.astype(np.float32))
    if not finite.all():
        row, i = np.argwhere(~finite)[0]
        shown = batch.column(features[i])[int(row)].as_py()
        raise UsageError(
            f"every value must be a finite number, got {'none' if shown is None else shown} in column {features[i]}, "
            f"row {first_row + row}, in {source}; fill it or leave the row out"
        )
    return Chunk(features=values, ids=ids)


def _explained(error: Exception, source: str, features: Sequence[str], row_id: str | None) -> str:
    """What pyarrow says, with the name of the column that it counts."""
    text = reason(error, lines=1)
    if found := re.search(r"column #(\d+):(?: Row #(\d+):)? CSV conversion error to (\w+): invalid value '(.*)'", text):
        columns = [*features, *([row_id] if row_id else [])]
        name = columns[int(found[1])] if int(found[1]) < len(columns) else f"number {found[1]}"
        row = f", {_row(found[2])}" if found[2] else ""
        return (
            f"every column must be numeric, got {found[4]!r} in column {name}{row}, in {source}; encode it as numbers"
        )
    if found := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", text):
        return f"every row must have {found[2]} columns, got {found[3]} in {_row(found[1])}, in {source}; mend the file"
    return f"input must be a readable CSV, Parquet or Feather file, got {text} in {source}; name another"


def _row(counted: str) -> str:
    """Number of a row from 0, as in the answers; pyarrow counts from 1, without the line of names."""
    return f"row {int(counted) - 1}"
