"""Further arguments of ``fit``: names of the columns and weights of the rows."""

from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_consistent_length


def column_names(estimator: BaseEstimator, X: npt.NDArray[Any]) -> tuple[str, ...]:  # noqa: N803
    """The feature names that the estimator has seen, or ``x0``, ``x1``, ..."""
    return tuple(getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(X.shape[1])]))


def row_weights(sample_weight: Any, X: npt.NDArray[Any]) -> npt.NDArray[Any] | None:  # noqa: N803
    """Weights ``(n_rows,)`` of the type of ``X``; None if all rows count alike.

    Raises:
        ValueError: unless they are one number of at least 0 for each row, and not all zero.
    """
    if sample_weight is None:
        return None
    weights: npt.NDArray[Any] = check_array(
        np.full(len(X), sample_weight) if isinstance(sample_weight, Real) else sample_weight,
        dtype=X.dtype,
        ensure_2d=False,
        ensure_non_negative=True,
        input_name="sample_weight",
    )
    check_consistent_length(weights, X)
    if weights.ndim != 1 or not weights.sum() > 0:
        raise ValueError("sample_weight must be a number per row, not all of them zero; leave it out for equal weights")
    return weights
