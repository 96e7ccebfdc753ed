"""Regression on rows of numbers."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from perceptron.data import Table, TableDataModule, TableSchema
from perceptron.data.offsets import added, choose_offsets, subtracted
from perceptron.estimators.base import FLOATS, Perceptron
from perceptron.estimators.fit_arguments import column_names, row_weights
from perceptron.models import Regressor, Standardize, TaskModule
from perceptron.tasks import REGRESSION


class PerceptronRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """Multi-layer perceptron for one or more continuous targets, which it standardises for training.

    Arguments and attributes are those of ``PerceptronClassifier``, without ``class_weight`` and ``classes_``;
    ``min_delta`` is in units of the targets' mean variance.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train on the rows of a table.

        Args:
            X: ``(n_rows, n_features)`` numbers.
            y: ``(n_rows,)`` or ``(n_rows, n_targets)`` numbers.
            sample_weight: ``(n_rows,)`` weights of the rows; None for equal weights.

        Raises:
            ValueError: for invalid rows, targets or parameters.
        """
        X, y = validate_data(self, X, y, dtype=FLOATS, multi_output=True, y_numeric=True)  # noqa: N806
        self._is_flat = y.ndim == 1
        target = y.reshape(len(X), -1)
        # Double precision needs no offsets.
        self._target_offsets = choose_offsets(target) if X.dtype == np.float32 else ()
        if X.dtype == np.float32:
            target = subtracted(target, self._target_offsets)
        schema = TableSchema(
            task=REGRESSION.name,
            feature_names=column_names(self, X),
            class_names=(),
            target_names=tuple(f"y{i}" for i in range(target.shape[1])),
            target_offsets=self._target_offsets,
        )
        target = np.asarray(target, dtype=X.dtype)
        return self._fit(Table(features=X, target=target, schema=schema, weights=row_weights(sample_weight, X)))

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """Values in the shape and units of ``y``."""
        values = added(self._predictions(X)[0], self._target_offsets)
        return values[:, 0] if self._is_flat else values

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _module(self, n_outputs: int, data: TableDataModule, **settings: Any) -> TaskModule:  # noqa: ARG002
        scaling = data.target_scaling
        assert scaling is not None  # noqa: S101
        dtype = settings["standardize"].mean.dtype
        return Regressor(standardize_target=Standardize(scaling.mean, scaling.scale, dtype=dtype), **settings)
