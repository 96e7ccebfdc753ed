"""Offsets of columns, which are subtracted in double precision before the values become float32.

float32 holds 24 bits of a number: for a time in seconds since 1970 it has steps of two minutes, so that rows of the
same hour would have few distinct values. After a value near the column's mean is subtracted, the precision suffices.
Predictions depend on the offset only by rounding. Still, it is chosen from the training rows if columns are of any
kind; for a table of numbers, which runs with different splits share, from all rows. It is stored with the model, in
``TableSchema``, because it must be subtracted from other rows, too.
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron.data.blocks import release

log = logging.getLogger(__name__)
# A column gets an offset if its mean is more standard deviations than this from zero. Below, rounding to float32
# changes a value by at most 2e-6 deviations.
_FAR = 32.0
_ROWS_LOOKED_AT = 10_000
_VALUES_LOOKED_AT = 2_000_000
# Of many continuous values, any rounding makes some equal.
_SHARE_KEPT = 0.99
TOO_CLOSE = "they are too close together for the column's range: look for outliers, or split the column"


def choose_offsets(
    values: npt.NDArray[Any],
    *,
    rows: npt.NDArray[np.int64] | None = None,
    columns: npt.NDArray[np.bool_] | None = None,
) -> tuple[float, ...]:
    """Choose an offset for each column: near its mean if that is far from zero relative to the spread, else 0.

    Args:
        values: ``(n_rows, n_columns)`` numbers, of which at most 10,000 evenly spaced rows are used.
        rows: numbers of the rows to use, such as the training rows; None for all.
        columns: ``(n_columns,)`` which columns may have an offset; None for all.

    Returns:
        empty if every offset is 0, as of all values of a type that float32 holds exactly.
    """
    if np.can_cast(values.dtype, np.float32) or not len(values):
        return ()
    some = sample(values, rows).astype(np.float64)
    with np.errstate(all="ignore"):
        mean, deviation = some.mean(axis=0), some.std(axis=0)
        # A multiple of a power of two below the deviation, so that whole numbers stay whole.
        step = np.exp2(np.floor(np.log2(deviation)))
        near = np.where(deviation > 0, np.round(mean / step) * step, some[0])
        is_far = (np.abs(mean) > _FAR * deviation) & np.isfinite(near)
    if columns is not None:
        is_far &= columns
    return tuple(np.where(is_far, near, 0.0).tolist()) if is_far.any() else ()


def subtracted(values: npt.NDArray[Any], offsets: Sequence[float]) -> npt.NDArray[np.float32]:
    """Columns ``(n_rows, n_columns)`` less their offsets in float32; the difference is computed in float64.

    Args:
        values: of the columns; returned uncopied if they are C-contiguous float32 and there are no offsets.
        offsets: one per column, or empty.
    """
    if not offsets:
        return np.ascontiguousarray(values, dtype=np.float32)
    near = np.empty(values.shape, dtype=np.float32)
    # numpy converts in small parts, without a second array.
    np.subtract(values, np.array(offsets), out=near, dtype=np.float64, casting="unsafe")
    return near


def in_single(
    values: npt.NDArray[Any],
    names: Sequence[str],
    *,
    rows: npt.NDArray[np.int64] | None = None,
    columns: npt.NDArray[np.bool_] | None = None,
) -> tuple[npt.NDArray[np.float32], tuple[float, ...]]:
    """Choose offsets; return the columns less these in float32, and the offsets. Warn if distinct values become equal.

    Args:
        values: ``(n_rows, n_columns)`` numbers.
        names: one per column.
        rows: see ``choose_offsets``.
        columns: see there.
    """
    offsets = choose_offsets(values, rows=rows, columns=columns)
    single = subtracted(values, offsets)
    if not np.can_cast(values.dtype, np.float32):
        report_merged(values, single, names, advice=TOO_CLOSE)
    return single, offsets


def added(values: npt.NDArray[Any], offsets: Sequence[float]) -> npt.NDArray[Any]:
    """Columns ``(n_rows, n_columns)`` with their offsets added, in float64; unchanged if there are no offsets."""
    return values.astype(np.float64) + np.array(offsets) if offsets else values


def move(values: npt.NDArray[np.float32], *, offsets: Sequence[float], to: Sequence[float]) -> None:
    """Replace the offsets of columns ``(n_rows, n_columns)`` by others, in place."""
    if tuple(offsets) == tuple(to):
        return
    difference = np.array(offsets or 0.0) - np.array(to or 0.0)
    # In parts, because they may lie on disk.
    for start in range(0, len(values), _ROWS_LOOKED_AT):
        part = values[start : start + _ROWS_LOOKED_AT]
        np.add(part, difference, out=part, dtype=np.float64, casting="unsafe")
        release(values)


def report_merged(
    before: npt.NDArray[Any], after: npt.NDArray[np.float32], names: Sequence[str], *, advice: str
) -> None:
    """Warn of each column that has more distinct values than remain in float32.

    Args:
        before: ``(n_rows, n_columns)``, of which at most 10,000 evenly spaced rows are used.
        after: the same columns in float32.
        names: one per column.
        advice: what to do, the end of each message.
    """
    before, after = sample(before), sample(after)
    for i, name in enumerate(names):
        n_before = len(np.unique(before[:, i]))
        n_after = len(np.unique(after[:, i]))
        if n_after < _SHARE_KEPT * n_before:
            log.warning("column %s: %d different values are %d in float32; %s", name, n_before, n_after, advice)


def sample(values: npt.NDArray[Any], rows: npt.NDArray[np.int64] | None = None) -> npt.NDArray[Any]:
    """At most 10,000 evenly spaced rows of a table, fewer of a wide one; from all rows, or from those given."""
    n_rows = len(values) if rows is None else len(rows)
    most = min(_ROWS_LOOKED_AT, max(_VALUES_LOOKED_AT // max(values.shape[1], 1), 1))
    places = np.linspace(0, n_rows - 1, min(most, n_rows)).astype(np.int64)
    return values[places if rows is None else rows[places]]
