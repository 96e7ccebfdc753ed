"""A scikit-learn estimator with the metrics of every other model."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils.validation import has_fit_parameter
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import (
    BinaryConfusionMatrix,
    BinaryStatScores,
    MulticlassConfusionMatrix,
    MulticlassStatScores,
)

from perceptron.errors import UsageError
from perceptron.metrics import BalancedAccuracy, LogLoss, Ranking, TaskMetrics
from perceptron.models.split_metrics import count, in_order, joined, label_from, number, numbers
from perceptron.models.standardize import Standardize
from perceptron.randomness import Stream, derive_seed
from perceptron.tasks import BINARY, REGRESSION, Task

# The largest that numpy's legacy generator takes.
_SEEDS = 2**32
# Bases of the metrics that compare labels. Others, such as AUROC, would take labels for probabilities.
_OF_LABELS = (
    BalancedAccuracy, BinaryStatScores, MulticlassStatScores, BinaryConfusionMatrix, MulticlassConfusionMatrix,
)  # fmt: skip


class Estimator:
    """Fits an estimator on standardised rows and reports the metrics of every other model.

    Args:
        estimator: any classifier or regressor of scikit-learn's interface; each ``random_state`` that is None is set.
        task: what the data asks for.
        n_classes: number of classes; 0 for regression.
        standardize: layer in front of the estimator.
        standardize_target: the targets' standardisation; None for classes.
        seed: of its randomness.
        metrics: as in ``TaskModule``.
        task_metrics: as in ``TaskModule``.

    Raises:
        UsageError: where the estimator is of another kind than the task.
    """

    def __init__(
        self,
        *,
        estimator: BaseEstimator,
        task: Task,
        n_classes: int,
        standardize: Standardize,
        standardize_target: Standardize | None,
        seed: int,
        metrics: MetricCollection | None = None,
        task_metrics: bool = True,
    ) -> None:
        fits = is_regressor(estimator) if task is REGRESSION else is_classifier(estimator)
        if not fits:
            wanted = "regressor" if task is REGRESSION else "classifier"
            raise UsageError(
                f"model.estimator must be a {wanted} of scikit-learn's interface for this data, got "
                f"{type(estimator).__name__}; choose another model or data"
            )
        random = {
            name: derive_seed(seed, Stream.WEIGHTS) % _SEEDS
            for name, value in estimator.get_params().items()
            if name.rpartition("__")[2] == "random_state" and value is None
        }
        self.estimator: Any = estimator.set_params(**random)
        self.task = task
        self.n_classes = n_classes
        self.standardize = standardize
        self.standardize_target = standardize_target
        self._metrics = joined(TaskMetrics(task=task.name, num_classes=n_classes) if task_metrics else None, metrics)

    def fit(self, features: Tensor, target: Tensor, factors: Tensor | None = None) -> None:
        """Fit on training rows, not standardised, as the data module hands them out.

        Args:
            features: ``(n_rows, n_features)``.
            target: ``(n_rows,)`` labels or ``(n_rows, n_targets)`` values.
            factors: ``(n_rows,)`` how much each row counts; None for all alike.

        Raises:
            UsageError: where rows have factors and the estimator cannot weight them.
        """
        weights = {}
        if factors is not None:
            if not has_fit_parameter(self.estimator, "sample_weight"):
                raise UsageError(
                    "model.estimator must take sample_weight in fit for data.weight and data.class_weights, got "
                    f"{type(self.estimator).__name__}; leave them out, or choose another estimator"
                )
            weights["sample_weight"] = factors.numpy()
        if self.standardize_target is not None:
            target = self.standardize_target(target)
            target = target.squeeze(1) if target.shape[1] == 1 else target
        self.estimator.fit(self._inputs(features), target.numpy(), **weights)

    def metrics(self, features: Tensor, target: Tensor) -> dict[str, float]:
        """Loss and metrics of rows, not standardised.

        Metrics of probabilities are NaN for an estimator that gives none; its area and average precision are those of
        its decision function.
        """
        if self.task is REGRESSION:
            values = self._of_values(features, target)
        elif hasattr(self.estimator, "predict_proba"):
            values = self._of_probabilities(features, target)
        else:
            values = self._of_labels(features, target)
        return {name: value.item() for name, value in in_order(values).items()}

    def _of_values(self, features: Tensor, target: Tensor) -> dict[str, Tensor]:
        assert self.standardize_target is not None  # noqa: S101
        outputs = _float32(self.estimator.predict(self._inputs(features))).reshape(len(target), -1)
        errors = outputs - self.standardize_target(target)
        loss = errors.square().mean() * self.standardize_target.scale.square().mean()
        return {"loss": loss, **self._measured(self.standardize_target.inverse(outputs), target)}

    def _of_probabilities(self, features: Tensor, target: Tensor) -> dict[str, Tensor]:
        found = self._columns(_float32(self.estimator.predict_proba(self._inputs(features))), 0.0)
        probabilities = found[:, 1].contiguous() if self.task is BINARY else found
        loss = LogLoss()
        loss.update(probabilities, target)
        return {"loss": loss.compute(), **self._measured(probabilities, target)}

    def _measured(self, predictions: Tensor, target: Tensor) -> dict[str, Tensor]:
        metrics = self._metrics.clone()
        # An estimator labels a row 1 from 0.5 on, torchmetrics above.
        label_from(metrics, 0.5, predictions.dtype)
        count(metrics, predictions, target)
        return numbers(metrics, loss=predictions.sum())

    def _of_labels(self, features: Tensor, target: Tensor) -> dict[str, Tensor]:
        inputs = self._inputs(features)
        labels = torch.from_numpy(self.estimator.predict(inputs)).long()
        scores = None
        if hasattr(self.estimator, "decision_function"):
            found = _float32(self.estimator.decision_function(inputs))
            if self.task is BINARY:
                scores = _ranks(found)
            # One class against another, as libsvm can have it, are not scores of classes: of three they are three too.
            elif found.ndim == 2 and found.shape[1] == len(self.estimator.classes_) and not self._decides_by_pairs:
                scores = _ranks(self._columns(found, -torch.inf))
        values = {"loss": torch.tensor(torch.nan)}
        for name, metric in self._metrics.clone().items(copy_state=False):
            if isinstance(metric, Ranking):
                values |= dict.fromkeys(("auroc", "average_precision"), torch.tensor(torch.nan))
                values |= {} if scores is None else metric(scores, target)
            else:
                values[name] = _of(metric, labels, target)
        return values

    @property
    def _decides_by_pairs(self) -> bool:
        return any(
            name.rpartition("__")[2] == "decision_function_shape" and value == "ovo"
            for name, value in self.estimator.get_params().items()
        )

    def _inputs(self, features: Tensor) -> npt.NDArray[np.float32]:
        inputs: npt.NDArray[np.float32] = self.standardize(features).numpy()
        return inputs

    def _columns(self, found: Tensor, missing: float) -> Tensor:
        """A column per class of the data, including those that no training row has."""
        columns = found.new_full((len(found), self.n_classes), missing)
        columns[:, torch.from_numpy(np.asarray(self.estimator.classes_)).long()] = found
        return columns


def _of(metric: Metric, labels: Tensor, target: Tensor) -> Tensor:
    """The metric of labels; NaN if it may need probabilities."""
    if not isinstance(metric, _OF_LABELS):
        return torch.tensor(torch.nan)
    try:
        metric.update(labels, target)
    # torchmetrics raises them where labels stand in the place of probabilities; the second of top_k.
    except (ValueError, RuntimeError):
        return torch.tensor(torch.nan)
    return number(metric.compute())


def _float32(values: npt.ArrayLike) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def _ranks(scores: Tensor) -> Tensor:
    """Scores in [0, 1], as probabilities are, in the same order; ties stay ties."""
    values, places = np.unique(scores.numpy(), return_inverse=True)
    return _float32(places.reshape(scores.shape)) / max(len(values) - 1, 1)
