"""Parquet and Feather files, a chunk at a time."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as pa_feather
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pa_parquet

from perceptron.errors import UsageError
from perceptron.prediction.columns import check_columns

CHUNK_ROWS = 1 << 16
_PARQUET = b"PAR1"
_FEATHER = b"ARROW1"
_FIRST_FEATHER = b"FEA1"
# What pandas names an index that has no name.
_INDEX = re.compile(r"__index_level_\d+__")


def is_columnar(path: Path) -> bool:
    """Whether a file is Parquet or Feather, by its first bytes."""
    return _magic(path) is not None


def columnar_batches(
    path: Path,
    *,
    features: Sequence[str],
    is_encoded: bool,
    row_id: str | None,
    ignored: Collection[str],
    progress: Callable[[float], None],
) -> Iterator[Any]:
    """Record batches with the features, of any type where they are encoded later, else of numbers; and the rows' names.

    Args:
        path: of the file.
        features: columns, by name.
        is_encoded: whether columns of any kind become features later; others of the file are left out then.
        row_id: column that names the rows; None for none.
        ignored: columns to be left out.
        progress: called with the share of the rows that is read.

    Raises:
        UsageError: where columns are missing or extra, or not numbers.
        pyarrow.ArrowException: for what pyarrow cannot read.
    """
    wanted = [*features, *([row_id] if row_id else [])]
    with _Source(path) as source:
        names = source.schema.names
        index = [name for name in names if _INDEX.fullmatch(name) and name not in wanted]
        left_out = [*ignored, *(names if is_encoded else index)]
        check_columns(names, wanted=features, row_id=row_id, ignored=left_out, source=str(path))
        for name in () if is_encoded else features:
            kind = source.schema.field(name).type
            if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
                raise UsageError(f"every column must be numeric, got {name} of {kind} in {path}; encode it as numbers")
        read = 0
        for batch in source.batches(wanted):
            yield batch
            read += batch.num_rows
            progress(read / max(source.n_rows, 1))


class _Source:
    """An open file; of Feather, the pages of a memory map that are read are in memory alone."""

    def __init__(self, path: Path) -> None:
        self._file: Any = None
        self._table: Any = None
        self._parquet: Any = None
        magic = _magic(path)
        if magic == _PARQUET:
            self._parquet = pa_parquet.ParquetFile(path)
            self.schema, self.n_rows = self._parquet.schema_arrow, self._parquet.metadata.num_rows
        elif magic == _FEATHER:
            self._file = pa.memory_map(str(path))
            self._table = pa_ipc.open_file(self._file).read_all()
        else:
            self._table = pa_feather.read_table(path)
        if self._table is not None:
            self.schema, self.n_rows = self._table.schema, self._table.num_rows

    def __enter__(self) -> "_Source":
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._parquet, self._file):
            if opened is not None:
                opened.close()

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """Record batches of some columns."""
        if self._parquet is not None:
            return self._parquet.iter_batches(CHUNK_ROWS, columns=list(columns))  # type: ignore[no-any-return]
        return iter(self._table.select(list(columns)).to_batches(max_chunksize=CHUNK_ROWS))


def _magic(path: Path) -> bytes | None:
    with path.open("rb") as file:
        start = file.read(max(map(len, (_PARQUET, _FEATHER, _FIRST_FEATHER))))
    return next((magic for magic in (_PARQUET, _FEATHER, _FIRST_FEATHER) if start.startswith(magic)), None)
