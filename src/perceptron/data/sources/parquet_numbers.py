"""Numbers in a Parquet file, which may be larger than memory. Needs pyarrow."""

import logging
import os
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import Bunch

from perceptron.data.blocks import release
from perceptron.data.offsets import TOO_CLOSE, choose_offsets, report_merged, subtracted
from perceptron.errors import UsageError, missing_extra, reason
from perceptron.files.reading import check_regular

log = logging.getLogger(__name__)
SUFFIXES = (".parquet", ".pq")
# pandas' name for an index without a name.
UNNAMED_INDEX = re.compile(r"__index_level_\d+__")
_NUMBERS_AT_ONCE = 2**21
# Bytes of each column.
_BUFFER = 2**16


def read_parquet(path: str, *, target: str, in_memory: bool) -> Bunch:
    """Read features less their offsets, the target, and the features' names and offsets.

    Features that are not held in memory are written as float32 to an unnamed temporary file beside ``path``, which
    exists as long as the process.

    Args:
        path: of the file.
        target: name of the target column; all others are features.
        in_memory: whether to hold the features in memory.

    Raises:
        UsageError: if the file cannot be read, a column does not hold complete numbers, or the disk is full.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise missing_extra("Parquet needs pyarrow", "table") from error
    place = Path(path).expanduser()
    check_regular(place, "data.features")
    try:
        # With the default buffer, it keeps columns of all row groups that it has read: finally the whole file.
        with pq.ParquetFile(place, buffer_size=_BUFFER, pre_buffer=False) as file:
            names = _feature_names(file.schema_arrow, target, path)
            shape = (file.metadata.num_rows, len(names))
            features = np.empty(shape, np.float32) if in_memory else _on_disk(place.parent, shape)
            targets: list[npt.NDArray[Any]] = []
            offsets: tuple[float, ...] = ()
            start = 0
            at_once = max(_NUMBERS_AT_ONCE // (len(names) + 1), 1)
            for batch in file.iter_batches(batch_size=at_once, columns=[*names, target]):
                stop = start + len(batch)
                for name in names:
                    if batch.column(name).null_count:
                        raise UsageError(
                            f"every value must be known for data=arrays, got none in column {name} in rows {start} to "
                            f"{stop - 1} of {path}; fill or leave out such rows, or read it with data=table"
                        )
                columns = [batch.column(name).cast(pa.float64(), safe=False).to_numpy() for name in names]
                values = np.stack(columns, axis=1) if columns else np.empty((len(batch), 0))
                if start == 0:
                    # Chosen from the first rows: another pass over the file would take as long as this one.
                    offsets = choose_offsets(values, columns=_needs_double(file.schema_arrow, names))
                    report_merged(values, subtracted(values, offsets), names, advice=TOO_CLOSE)
                features[start:stop] = subtracted(values, offsets)
                targets.append(batch.column(target).to_numpy(zero_copy_only=False))
                release(features)
                start = stop
    except (OSError, pa.ArrowException) as error:
        raise UsageError(
            f"data.features must be a readable Parquet file, on a disk with room for it, got {path}: {reason(error)}; "
            "name another, or make room"
        ) from error
    return Bunch(
        data=features,
        target=np.concatenate(targets) if targets else np.empty(0),
        feature_names=names,
        feature_offsets=offsets,
    )


def _needs_double(schema: Any, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which columns are of a type that float32 does not hold exactly."""
    return np.array([not np.can_cast(schema.field(name).type.to_pandas_dtype(), np.float32) for name in names])


def _feature_names(schema: Any, target: str, path: str) -> list[str]:
    """All columns except the target and an index without a name, which is left out with a warning."""
    import pyarrow as pa

    twice = [name for name, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise UsageError(f"every column must have a name of its own, got {twice[0]} twice; rename one")
    if target not in schema.names:
        shown = ", ".join(schema.names[:12])
        raise UsageError(f"data.target must be a column of the Parquet file, got {target}; choose from {shown}")
    index = [name for name in schema.names if UNNAMED_INDEX.fullmatch(name) and name != target]
    if index:
        log.warning("the index of %s has no name and says the rows' numbers or names: it is left out", path)
    for field in schema:
        kind = field.type
        if field.name not in (target, *index) and not (
            pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
        ):
            raise UsageError(
                f"features must be numbers for data=arrays, got {kind} in column {field.name}; leave it out of the "
                "file, or read it with data=table"
            )
    return [name for name in schema.names if name not in (target, *index)]


def _on_disk(folder: Path, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """An uninitialised array in an unnamed temporary file."""
    # Beside the data, which lies on a disk: /tmp is often in memory.
    place = folder if os.access(folder, os.W_OK) else None
    with tempfile.TemporaryFile(dir=place) as file:
        size = max(4 * shape[0] * shape[1], 1)
        if hasattr(os, "posix_fallocate"):
            # Allocated now, because a full disk at the first write to a page would kill the process.
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return np.memmap(file, dtype=np.float32, mode="r+", shape=shape)
