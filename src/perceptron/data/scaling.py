"""Mean and scale of columns, fitted on training rows."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

from perceptron.data.blocks import release
from perceptron.data.offsets import report_merged, sample
from perceptron.data.table import RowNumbers
from perceptron.errors import UsageError

Standardize = Literal["per_feature", "global", "none"]
_VALUES_AT_ONCE = 2_000_000
# Squares of values a thousand times smaller or larger are within float32's range, 1e-38 to 3e38.
_LEAST_DEVIATION, _MOST_DEVIATION = 1e-15, 1e15


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Mean and scale ``(n_columns,)`` float64: standardised value = (value - offset - mean) / scale."""

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]

    def only(self, columns: npt.NDArray[np.bool_]) -> "Scaling":
        """The same for some columns, and no change for the others."""
        return Scaling(mean=np.where(columns, self.mean, 0.0), scale=np.where(columns, self.scale, 1.0))


def fit_scaling(
    values: npt.NDArray[Any],
    *,
    how: Standardize,
    rows: RowNumbers | None = None,
    weights: npt.NDArray[Any] | None = None,
    offsets: Sequence[float] = (),
) -> Scaling:
    """Fit mean and scale of columns on the given rows, which must be training rows.

    Args:
        values: ``(n_rows, n_columns)``, less their offsets.
        how: ``per_feature``: each column to mean 0 and deviation 1, as scikit-learn's ``StandardScaler`` does;
            ``global``: one mean and one deviation for the whole table; ``none``: unchanged.
            The scale of a column (or table) without variance is 1, so that its values stay finite.
        rows: numbers of the rows, ascending; None for all.
        weights: ``(n_rows,)`` how often each of these rows counts, at least 0 and above 0 somewhere; None for once.
            ``global`` ignores them.
        offsets: one per column, see ``perceptron.data.offsets``; empty for zeros.
    """
    n_columns = values.shape[1]
    # ``none`` and ``global`` refer to values with their offsets.
    lost = np.array(offsets) if offsets else np.zeros(n_columns)
    if how == "none":
        return Scaling(mean=0.0 - lost, scale=np.ones(n_columns))
    if how == "global":
        n_values = n_columns * (len(values) if rows is None else len(rows))
        mean = sum(float((part + lost).sum()) for part, _ in _parts(values, rows, None)) / n_values
        squares = sum(float(np.square(part + (lost - mean)).sum()) for part, _ in _parts(values, rows, None))
        deviation = math.sqrt(squares / n_values)
        return Scaling(mean=mean - lost, scale=np.full(n_columns, deviation or 1.0))
    fitted = StandardScaler()
    for part, of_part in _parts(values, rows, weights):
        # scikit-learn refuses weights that are all 0.
        if of_part is None or of_part.any():
            fitted.partial_fit(part, sample_weight=of_part)
    return Scaling(mean=fitted.mean_, scale=fitted.scale_)


def check_deviation(deviation: npt.NDArray[np.float64], names: Sequence[str]) -> None:
    """Check that float32 can hold squared errors in a target's units.

    Args:
        deviation: ``(n_targets,)`` standard deviation of each target.
        names: of the targets.

    Raises:
        UsageError: if a square would become 0 or infinite.
    """
    for name, one in zip(names, deviation, strict=True):
        if not _LEAST_DEVIATION <= one <= _MOST_DEVIATION:
            raise UsageError(
                f"target {name} must have a standard deviation from {_LEAST_DEVIATION:g} to {_MOST_DEVIATION:g}, got "
                f"{one:.3g}; write it in other units"
            )


def report_scaled(values: npt.NDArray[Any], scaling: Scaling, names: Sequence[str]) -> None:
    """Warn of columns whose distinct values become equal by a standardisation that does not center each column.

    Args:
        values: ``(n_rows, n_columns)`` less their offsets, in the precision that a model computes in.
        scaling: of the columns.
        names: one per column.
    """
    some = sample(values)
    scaled = (some - scaling.mean.astype(values.dtype)) / scaling.scale.astype(values.dtype)
    report_merged(some, scaled, names, advice="set data.standardize=per_feature")


def _parts(
    values: npt.NDArray[Any], rows: RowNumbers | None, weights: npt.NDArray[Any] | None
) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[Any] | None]]:
    """The rows and their weights in parts, because scikit-learn's sums take several times the memory of their input."""
    n_rows = len(values) if rows is None else len(rows)
    at_once = max(_VALUES_AT_ONCE // max(values.shape[1], 1), 1)
    for start in range(0, n_rows, at_once):
        part = slice(start, start + at_once)
        yield values[part if rows is None else rows[part]], None if weights is None else weights[part]
        release(values)
