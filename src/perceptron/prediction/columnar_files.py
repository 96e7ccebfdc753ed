"""Parquet and Feather files, and tables in memory, a chunk at a time."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pa_parquet

from perceptron.data.sources.parquet_numbers import UNNAMED_INDEX
from perceptron.errors import UsageError
from perceptron.prediction.column_names import check_columns

CHUNK_ROWS = 1 << 16
_PARQUET = b"PAR1"
_FEATHER = b"ARROW1"


def is_columnar(path: Path) -> bool:
    """Whether a file is Parquet or Feather, by its first bytes."""
    return _magic(path) is not None


def columnar_batches(
    source: Any,
    *,
    features: Sequence[str],
    is_encoded: bool,
    row_id: str | None,
    ignored: Collection[str],
    progress: Callable[[float], None],
) -> Iterator[tuple[Any, Any]]:
    """Record batches of the features, and the rows' names; None without ``row_id``.

    Args:
        source: path of the file, or a ``pyarrow.Table``.
        features: columns, by name.
        is_encoded: whether columns of any kind become features later; others of the file are left out then.
            Otherwise the features must be numbers.
        row_id: column that names the rows; None for none.
        ignored: columns to leave out.
        progress: called with the share of the rows that has been read.

    Raises:
        UsageError: if columns are missing or extra, or are not numbers.
        pyarrow.ArrowException: if pyarrow cannot read the file.
    """
    # A feature may name the rows too.
    wanted = list(dict.fromkeys([*features, *([row_id] if row_id else [])]))
    shown = str(source) if isinstance(source, Path) else "the table"
    with _opened(source) as (schema, batches):
        names = schema.names
        index = [name for name in names if UNNAMED_INDEX.fullmatch(name) and name not in wanted]
        left_out = [*ignored, *(names if is_encoded else index)]
        check_columns(names, wanted=features, row_id=row_id, ignored=left_out, source=shown)
        for name in () if is_encoded else features:
            kind = schema.field(name).type
            if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
                raise UsageError(f"every column must be numeric, got {name} of {kind} in {shown}; encode it as numbers")
        for batch, share in batches(wanted):
            yield batch.select(list(features)), batch.column(row_id) if row_id else None
            progress(share)


@contextmanager
def _opened(source: Any) -> Iterator[tuple[Any, Callable[[Sequence[str]], Iterator[tuple[Any, float]]]]]:
    """Schema of a source, and what gives record batches of some columns, with the share of the rows read by then."""
    if isinstance(source, pa.Table):
        yield source.schema, lambda columns: _of_table(source, columns)
    elif _magic(source) == _PARQUET:
        with pa_parquet.ParquetFile(source) as file:
            yield file.schema_arrow, lambda columns: _of_parquet(file, columns)
    else:
        with pa.memory_map(str(source)) as mapped, pa_ipc.open_file(mapped) as file:
            yield file.schema, lambda columns: _of_feather(file, columns)


def _of_table(table: Any, columns: Sequence[str]) -> Iterator[tuple[Any, float]]:
    for batch in table.select(list(columns)).to_batches(CHUNK_ROWS):
        yield batch, 1.0


def _of_parquet(file: Any, columns: Sequence[str]) -> Iterator[tuple[Any, float]]:
    read = 0
    for batch in file.iter_batches(CHUNK_ROWS, columns=list(columns)):
        read += batch.num_rows
        yield batch, read / max(file.metadata.num_rows, 1)


def _of_feather(file: Any, columns: Sequence[str]) -> Iterator[tuple[Any, float]]:
    for i in range(file.num_record_batches):
        batch = file.get_batch(i).select(list(columns))
        for start in range(0, batch.num_rows, CHUNK_ROWS):
            yield batch.slice(start, CHUNK_ROWS), (i + 1) / file.num_record_batches


def _magic(path: Path) -> bytes | None:
    with path.open("rb") as file:
        start = file.read(len(_FEATHER))
    return next((magic for magic in (_PARQUET, _FEATHER) if start.startswith(magic)), None)
