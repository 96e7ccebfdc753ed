"""Tables of finite numbers, of whatever holds them."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from perceptron.data.blocks import release
from perceptron.errors import UsageError

_ROWS_AT_ONCE = 65536
_MOST_BYTES = 2**30


def check_dense_size(n_rows: int, n_columns: int) -> None:
    """Refuse a sparse table that would not fit when every 0 is written out.

    Raises:
        UsageError: above 1 GiB.
    """
    size = n_rows * n_columns * np.dtype(np.float32).itemsize
    if size > _MOST_BYTES:
        raise UsageError(
            f"a sparse table must take at most 1 GiB with its zeros, got {size / 2**30:.1f} GiB of {n_rows} rows and "
            f"{n_columns} columns; choose a table with fewer columns"
        )


def numeric(values: Any) -> npt.NDArray[Any]:
    """A table ``(n_rows, n_columns)`` of numbers that are finite in float32, of the type that it has.

    Raises:
        UsageError: where it is none.
    """
    if sparse.issparse(values):
        check_dense_size(*values.shape)
        values = values.toarray()
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"features must be numbers, got {error}; encode or leave out such columns") from error
    if array.ndim != 2:
        raise UsageError(f"features must be a table of rows and columns, got {array.ndim} dimensions")
    # In parts: what is asked of each value takes a quarter of the table.
    for start in range(0, len(array), _ROWS_AT_ONCE):
        with np.errstate(over="ignore"):
            finite = np.isfinite(array[start : start + _ROWS_AT_ONCE].astype(np.float32, copy=False))
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise UsageError(
                f"every value must be finite in float32, got {array[start + row, column]} in row {start + row}, "
                f"column {column}; fill or leave out missing values"
            )
        release(array)
    return array
