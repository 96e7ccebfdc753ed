"""Rows of a CSV, Parquet or Feather file, or of a table in memory, as features, a chunk at a time."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from perceptron.data.columns.encoding import Code, encode, from_texts
from perceptron.data.columns.unseen_values import UnseenValues
from perceptron.data.sources.compressed import COMPRESSED, DAMAGED, opened
from perceptron.errors import UsageError, reason
from perceptron.prediction.columnar_files import columnar_batches, is_columnar
from perceptron.prediction.csv_batches import csv_batches

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Consecutive rows of a file.

    Attributes:
        features: ``(n_rows, n_features)`` float64, raw, in the model's order.
        ids: ``(n_rows,)`` pyarrow array of the rows' names.
    """

    features: npt.NDArray[np.float64]
    ids: Any


def read_rows(
    source: Any,
    *,
    features: Sequence[str],
    encoding: Sequence[str] = (),
    row_id: str | None = None,
    ignored: Collection[str] = (),
    progress: Callable[[float], None] = lambda _: None,
    stdin: BinaryIO | None = None,
) -> Iterator[Chunk]:
    """Chunks of a source, in bounded memory. At the end, warnings name values that did not occur in the training rows.

    Args:
        source: path of a Parquet, Feather or CSV file; None for CSV on ``stdin``; or a ``pyarrow.Table``.
        features: the model's columns. They are matched by name, in any order; a CSV file whose first row holds
            numbers has no names, and its columns are matched by their order.
        encoding: how columns of any kind become the features, from the model's schema; other columns of the file are
            left out then. Empty if the features are the columns.
        row_id: column that names the rows; None for their numbers from 0.
        ignored: columns to leave out.
        progress: called with the share of the file that has been read.
        stdin: bytes to read if there is no source.

    Raises:
        UsageError: if columns are missing, extra or not numeric, a value is missing or not finite, or the file
            cannot be read.
    """
    shown = "the table" if isinstance(source, pa.Table) else str(source) if source else "standard input"
    codes = from_texts(encoding)
    if codes:
        features = [code["column"] for code in codes]
    unseen = UnseenValues()
    first_row = 0
    try:
        for batch, names in _batches(source, shown, features, bool(codes), row_id, ignored, progress, stdin):
            numbers = range(first_row, first_row + batch.num_rows)
            ids = pa.array(numbers, pa.int64()) if names is None else names
            values = _encoded(batch, first_row, codes, unseen) if codes else _numbers(batch, first_row, shown)
            yield Chunk(features=values, ids=ids)
            first_row += batch.num_rows
    except (OSError, pa.ArrowException, *DAMAGED) as error:
        raise UsageError(
            f"input must be a readable CSV, Parquet or Feather file, got {reason(error, lines=1)} in {shown}; name "
            "another"
        ) from error
    if first_row == 0:
        raise UsageError(f"input must have rows, got none in {shown}; name another file")
    for line in unseen.lines:
        log.warning("%s", line)


def read_frame_rows(rows: Any, *, features: Sequence[str], encoding: Sequence[str] = ()) -> Iterator[Chunk]:
    """Chunks of a DataFrame or an array, under the rules of ``read_rows``.

    Args:
        rows: a DataFrame, whose index is not read; or an array ``(n_rows, n_columns)``, whose columns are those of
            training in their order.
        features: see ``read_rows``.
        encoding: see ``read_rows``.

    Raises:
        UsageError: see ``read_rows``; also for an array of another shape.
    """
    columns = [code["column"] for code in from_texts(encoding)] or list(features)
    if hasattr(rows, "columns"):
        values = {str(name): rows[name] for name in rows.columns}
        if len(values) < len(rows.columns):
            raise UsageError("the columns of a DataFrame must have different names, got two of one; rename them")
    else:
        array = np.asarray(rows)
        if array.ndim != 2 or array.shape[1] != len(columns):
            raise UsageError(
                f"rows must be an array (n_rows, {len(columns)}), the columns of training, got the shape {array.shape}"
            )
        values = dict(zip(columns, array.T, strict=True))
    try:
        table = pa.table({name: pa.array(column, from_pandas=True) for name, column in values.items()})
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise UsageError(f"a column must hold values of one kind, got {reason(error, lines=1)}; convert it") from error
    yield from read_rows(table, features=features, encoding=encoding)


def _batches(
    source: Any,
    shown: str,
    features: Sequence[str],
    is_encoded: bool,
    row_id: str | None,
    ignored: Collection[str],
    progress: Callable[[float], None],
    stdin: BinaryIO | None,
) -> Iterator[tuple[Any, Any]]:
    if isinstance(source, pa.Table) or (source is not None and is_columnar(source)):
        yield from columnar_batches(
            source, features=features, is_encoded=is_encoded, row_id=row_id, ignored=ignored, progress=progress
        )
        return
    path: Path | None = source
    # The number of decompressed bytes is known only at their end.
    size = 0 if path is None or path.suffix.lower() in COMPRESSED else path.stat().st_size
    with ExitStack() as stack:
        stream = stack.enter_context(opened(path, "input") if path else stdin)  # type: ignore[arg-type]
        for pair in csv_batches(
            stream, source=shown, features=features, is_encoded=is_encoded, row_id=row_id, ignored=ignored
        ):
            yield pair
            progress(stream.tell() / size if size else 0)


def _encoded(batch: Any, first_row: int, codes: Sequence[Code], unseen: UnseenValues) -> npt.NDArray[np.float64]:
    # A column that pandas stored as the index is an ordinary column here.
    frame = batch.to_pandas(ignore_metadata=True)
    frame.index += first_row
    return encode(frame, codes, unseen=unseen)


def _numbers(batch: Any, first_row: int, source: str) -> npt.NDArray[np.float64]:
    values = np.empty((batch.num_rows, batch.num_columns))
    for i, column in enumerate(batch.columns):
        # A missing value becomes NaN. Whole numbers of more than 53 bits are rounded, as in training.
        values[:, i] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        finite = np.isfinite(values.astype(np.float32))
    if not finite.all():
        row, i = np.argwhere(~finite)[0]
        shown = batch.column(int(i))[int(row)].as_py()
        raise UsageError(
            f"every value must be a finite number, got {'none' if shown is None else shown} in column "
            f"{batch.schema.names[i]}, row {first_row + row}, in {source}; fill it or leave the row out"
        )
    return values
