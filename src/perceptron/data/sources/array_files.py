"""Tables of numbers in .npy or Parquet files, which may be larger than memory."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron.data.sources.parquet_numbers import SUFFIXES, read_parquet
from perceptron.errors import UsageError, reason
from perceptron.files.reading import check_regular


def read_arrays(*, features: str, target: str, in_memory: bool) -> Any:
    """Read features and target.

    Args:
        features: see ``table_from_arrays``.
        target: see there.
        in_memory: whether to read the features into memory; otherwise they are memory-mapped.

    Returns:
        A pair of arrays, or for Parquet a ``Bunch`` with the columns' names.

    Raises:
        UsageError: if a file does not exist or is not as required.
    """
    if Path(features).suffix in SUFFIXES:
        return read_parquet(features, target=target, in_memory=in_memory)
    values = _read(features, "data.features", in_memory=in_memory)
    if not in_memory and (values.dtype != np.float32 or not values.flags.c_contiguous or values.ndim != 2):
        raise UsageError(
            "data.features must be a table of float32 stored in rows where data.block_size is set, got "
            f"{values.ndim} dimensions of {values.dtype}{'' if values.flags.c_contiguous else ' stored in columns'}; "
            "save np.ascontiguousarray(features, dtype=np.float32)"
        )
    return values, _read(target, "data.target", in_memory=True)


def _read(path: str, setting: str, *, in_memory: bool) -> npt.NDArray[Any]:
    file = Path(path).expanduser()
    check_regular(file, setting)
    try:
        array: npt.NDArray[Any] = np.load(file, mmap_mode=None if in_memory else "r", allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise UsageError(
            f"{setting} must be a readable .npy file, got {path}: {reason(error, lines=1)}; name another"
        ) from error
    if not isinstance(array, np.ndarray):
        raise UsageError(f"{setting} must be one array, got the archive {path}; save it with np.save")
    return array
