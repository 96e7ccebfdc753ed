"""The default metrics of each kind of task."""

from torchmetrics import MeanAbsoluteError, MeanSquaredError, Metric, MetricCollection
from torchmetrics.classification import (
    BinaryAccuracy,
    BinaryCalibrationError,
    BinaryF1Score,
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassF1Score,
)

from perceptron.metrics.balanced_accuracy import BalancedAccuracy
from perceptron.metrics.log_loss import LogLoss
from perceptron.metrics.r2 import R2
from perceptron.metrics.ranking import Ranking
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION

CALIBRATION_BINS = 15


class TaskMetrics(MetricCollection):
    """The metrics that ``perceptron.tasks`` lists for a kind of task, without its loss.

    Stock classes wherever their definition is right, and this package's where it misleads: see there. F1 is that of
    class 1, or the mean over the classes that are there or predicted. The calibration error has 15 bins (Guo et al.
    2017).

    Shape of the inputs of ``update``: of two classes probabilities ``(n_rows,)`` of class 1, of more ``(n_rows,
    n_classes)``, target ``(n_rows,)`` int64; of a regression both ``(n_rows,)`` or ``(n_rows, n_targets)``.

    Args:
        task: ``binary``, ``multiclass`` or ``regression``.
        num_classes: of a multiclass task; of others it is ignored.
    """

    def __init__(self, *, task: str, num_classes: int | None = None) -> None:
        if task not in _MADE:
            raise ValueError(f"task must be one of {', '.join(_MADE)}, got {task}")
        # Groups of metrics that share their states are copied at every turn, which takes longer than to update each.
        super().__init__(_MADE[task](num_classes), compute_groups=False)  # type: ignore[arg-type]


def _binary(num_classes: int | None) -> dict[str, Metric]:  # noqa: ARG001
    # torchmetrics looks every batch through for what cannot be: half of an update's time.
    return {
        "acc": BinaryAccuracy(validate_args=False),
        "balanced_acc": BalancedAccuracy(num_classes=2),
        "ranking": Ranking(),
        "f1": BinaryF1Score(validate_args=False),
        "log_loss": LogLoss(),
        "ece": BinaryCalibrationError(n_bins=CALIBRATION_BINS, validate_args=False),
    }


def _multiclass(num_classes: int | None) -> dict[str, Metric]:
    if num_classes is None:
        raise ValueError("num_classes is required for a multiclass task")
    return {
        "acc": MulticlassAccuracy(num_classes, average="micro", validate_args=False),
        "balanced_acc": BalancedAccuracy(num_classes=num_classes),
        "ranking": Ranking(),
        "f1": MulticlassF1Score(num_classes, average="macro", validate_args=False),
        "log_loss": LogLoss(),
        "ece": MulticlassCalibrationError(num_classes, n_bins=CALIBRATION_BINS, validate_args=False),
    }


def _regression(num_classes: int | None) -> dict[str, Metric]:  # noqa: ARG001
    return {"rmse": MeanSquaredError(squared=False), "mae": MeanAbsoluteError(), "r2": R2()}


_MADE = {BINARY.name: _binary, MULTICLASS.name: _multiclass, REGRESSION.name: _regression}
