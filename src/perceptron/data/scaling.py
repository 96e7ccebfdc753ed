"""Mean and scale of columns, fitted on training rows."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

Standardize = Literal["per_feature", "global", "none"]


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Standardised value = (raw value - mean) / scale; both ``(n_columns,)`` float64, in the column's units."""

    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]

    def only(self, columns: npt.NDArray[np.bool_]) -> "Scaling":
        """The same for some columns, and no change for the others."""
        return Scaling(mean=np.where(columns, self.mean, 0.0), scale=np.where(columns, self.scale, 1.0))


def fit_scaling(values: npt.NDArray[Any], *, how: Standardize, weights: npt.NDArray[Any] | None = None) -> Scaling:
    """Fit on the rows given, which must be training rows alone.

    Args:
        values: ``(n_rows, n_columns)``, raw.
        how: ``per_feature``: each column to mean 0 and deviation 1, as scikit-learn's ``StandardScaler``;
            ``global``: one mean and one deviation for the whole table; ``none``: left as it is.
            Columns (a table) without variance keep scale 1, so they stay finite.
        weights: ``(n_rows,)`` how often each row counts; None for once. Not for ``global``'s one mean of all values.
    """
    n_columns = values.shape[1]
    if how == "none":
        return Scaling(mean=np.zeros(n_columns), scale=np.ones(n_columns))
    if how == "global":
        mean = values.mean(dtype=np.float64)
        deviation = values.std(dtype=np.float64)
        return Scaling(mean=np.full(n_columns, mean), scale=np.full(n_columns, deviation or 1.0))
    fitted = StandardScaler().fit(values, sample_weight=weights)
    return Scaling(mean=fitted.mean_, scale=fitted.scale_)
