"""Offsets of columns: what is subtracted in double precision before numbers become single.

float32 holds 24 bits of a number. Of a time in seconds since 1970 it keeps steps of two minutes, which lose what tells
the rows of an hour apart, unless the column is counted from a value near its own first. Predictions depend on that
value by rounding alone; still it is chosen by training rows where they are known, and by all rows of a table of
numbers, which runs with other splits share. It is stored with the model, in ``TableSchema``: other rows must be counted
from it too.
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron.data.blocks import release

log = logging.getLogger(__name__)
# Deviations from zero to the mean beyond which a column gets an offset. Nearer, rounding to float32 moves a value by at
# most 2e-6 deviations.
_FAR = 32.0
_ROWS_LOOKED_AT = 10_000
_VALUES_LOOKED_AT = 2_000_000
# Continuous values of many rows lose some to any rounding.
_SHARE_KEPT = 0.99
TOO_CLOSE = "they are too close together for the column's range: look for outliers, or split the column"


def choose_offsets(
    values: npt.NDArray[Any],
    *,
    rows: npt.NDArray[np.int64] | None = None,
    columns: npt.NDArray[np.bool_] | None = None,
) -> tuple[float, ...]:
    """An offset per column: near the mean where that is far from zero for the column's spread, and 0 elsewhere.

    Args:
        values: ``(n_rows, n_columns)`` numbers, of which at most 10,000 rows at even distances are looked at.
        rows: numbers of those to choose by, such as the training rows; None for all.
        columns: ``(n_columns,)`` which may have one; None for all.

    Returns:
        Empty where every offset is 0, as of all values of a type that float32 holds exactly.
    """
    if np.can_cast(values.dtype, np.float32) or not len(values):
        return ()
    some = sample(values, rows).astype(np.float64)
    with np.errstate(all="ignore"):
        mean, deviation = some.mean(axis=0), some.std(axis=0)
        # A multiple of a power of two below the deviation: whole numbers stay whole.
        step = np.exp2(np.floor(np.log2(deviation)))
        near = np.where(deviation > 0, np.round(mean / step) * step, some[0])
        is_far = (np.abs(mean) > _FAR * deviation) & np.isfinite(near)
    if columns is not None:
        is_far &= columns
    return tuple(np.where(is_far, near, 0.0).tolist()) if is_far.any() else ()


def subtracted(values: npt.NDArray[Any], offsets: Sequence[float]) -> npt.NDArray[np.float32]:
    """Columns ``(n_rows, n_columns)`` less their offsets, in float32; the difference is taken in float64.

    Args:
        values: returned as they are where they are float32 in rows and there are no offsets.
        offsets: one per column, or empty.
    """
    if not offsets:
        return np.ascontiguousarray(values, dtype=np.float32)
    near = np.empty(values.shape, dtype=np.float32)
    # numpy takes what it converts in small parts.
    np.subtract(values, np.array(offsets), out=near, dtype=np.float64, casting="unsafe")
    return near


def in_single(
    values: npt.NDArray[Any],
    names: Sequence[str],
    *,
    rows: npt.NDArray[np.int64] | None = None,
    columns: npt.NDArray[np.bool_] | None = None,
) -> tuple[npt.NDArray[np.float32], tuple[float, ...]]:
    """Columns in float32 less offsets that are chosen for them, and these; a line says where distinct values merge.

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
    """Columns ``(n_rows, n_columns)`` in their own units: float64 where there are offsets, else as they are."""
    return values.astype(np.float64) + np.array(offsets) if offsets else values


def move(values: npt.NDArray[np.float32], *, offsets: Sequence[float], to: Sequence[float]) -> None:
    """Count columns ``(n_rows, n_columns)`` from other offsets, in place."""
    if tuple(offsets) == tuple(to):
        return
    difference = np.array(offsets or 0.0) - np.array(to or 0.0)
    # In parts, for they may lie on the disk.
    for start in range(0, len(values), _ROWS_LOOKED_AT):
        part = values[start : start + _ROWS_LOOKED_AT]
        np.add(part, difference, out=part, dtype=np.float64, casting="unsafe")
        release(values)


def report_merged(
    before: npt.NDArray[Any], after: npt.NDArray[np.float32], names: Sequence[str], *, advice: str
) -> None:
    """Log a line for each column that has more distinct values than float32 leaves of them.

    Args:
        before: ``(n_rows, n_columns)``, of which at most 10,000 rows at even distances are looked at.
        after: the same columns in float32.
        names: one per column.
        advice: what to do, the end of each line.
    """
    before, after = sample(before), sample(after)
    for i, name in enumerate(names):
        n_before = len(np.unique(before[:, i]))
        n_after = len(np.unique(after[:, i]))
        if n_after < _SHARE_KEPT * n_before:
            log.warning("column %s: %d different values are %d in float32; %s", name, n_before, n_after, advice)


def sample(values: npt.NDArray[Any], rows: npt.NDArray[np.int64] | None = None) -> npt.NDArray[Any]:
    """At most 10,000 rows of a table at even distances, fewer of a wide one; of all rows or of those given."""
    n_rows = len(values) if rows is None else len(rows)
    most = min(_ROWS_LOOKED_AT, max(_VALUES_LOOKED_AT // max(values.shape[1], 1), 1))
    places = np.linspace(0, n_rows - 1, min(most, n_rows)).astype(np.int64)
    return values[places if rows is None else rows[places]]
