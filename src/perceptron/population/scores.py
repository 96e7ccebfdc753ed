"""The metrics of ``perceptron.metrics.TaskMetrics`` over all rows of a split, of many models side by side.

In plain tensor operations over the last dimensions: torchmetrics' classes take one model at a time, and a population is
scored every epoch. The tests hold each value against the collection's.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torchmetrics import MetricCollection

from perceptron.metrics.log_loss import EPSILON
from perceptron.metrics.r2 import r2
from perceptron.metrics.ranking import area_and_precision, areas_and_precisions
from perceptron.metrics.task import CALIBRATION_BINS
from perceptron.models import BinaryClassifier, MulticlassClassifier, TaskModule
from perceptron.models.split_metrics import metric_inputs, number


def scores(model: TaskModule, outputs: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Loss and metrics of many models; where a loss is NaN, so is all else of its model.

    The task's metrics are computed at once, the user's model by model, as torchmetrics does it.

    Args:
        model: of one of the classes that a population trains; it stands for all of them.
        outputs: ``(m, n_rows, n_outputs)``.
        target: ``(m, n_rows, ...)``.

    Returns:
        Values ``(m,)`` by name.
    """
    loss = model.loss_in_units(model.row_losses(outputs, target).mean(dim=1))
    values = _of_task(model, outputs, target) if model.task_metrics else {}
    if model.own_metrics is not None:
        values |= _one_by_one(model, model.own_metrics.to(outputs.device), outputs, target)
    return {"loss": loss} | {name: value.masked_fill(loss.isnan(), torch.nan) for name, value in values.items()}


def _of_task(model: TaskModule, outputs: Tensor, target: Tensor) -> dict[str, Tensor]:
    predictions = model.predictions(outputs)
    if isinstance(model, BinaryClassifier):
        return binary_metrics(predictions, target, threshold=model.threshold)
    of_kind = multiclass_metrics if isinstance(model, MulticlassClassifier) else regression_metrics
    return of_kind(predictions, target)


def _one_by_one(model: TaskModule, metrics: MetricCollection, outputs: Tensor, target: Tensor) -> dict[str, Tensor]:
    metrics = metrics.clone()
    model.label_as_predicted(metrics, outputs.dtype)
    found = []
    for predictions, of_member in zip(model.predictions(outputs), target, strict=True):
        metrics.reset()
        metrics.update(*metric_inputs(predictions, of_member))
        found.append({name: number(value) for name, value in metrics.compute().items()})
    return {name: torch.stack([values[name] for values in found]) for name in found[0]}


def binary_metrics(probabilities: Tensor, target: Tensor, *, threshold: float) -> dict[str, Tensor]:
    """Accuracy, balanced accuracy, area under the ROC curve, average precision, F1, log loss and calibration error.

    Args:
        probabilities: ``(..., n_rows)`` float32, of class 1.
        target: ``(..., n_rows)`` int64, 0 or 1.
        threshold: probability from which on a row is labelled 1.

    Returns:
        Values ``(...)``. Area and average precision, of class 1, are NaN where the rows hold one class only: they are
        not defined there.
    """
    labelled, positive = probabilities >= threshold, target == 1
    area, precision = area_and_precision(probabilities, positive)
    counts = _of_both(labelled, positive)
    return {
        "acc": _share(labelled == positive),
        "balanced_acc": _balanced_accuracy(counts),
        "auroc": area,
        "average_precision": precision,
        "f1": _f1(counts, undefined=0.0)[..., 1],
        "log_loss": _log_loss(torch.where(positive, probabilities, 1 - probabilities)),
        "ece": _calibration_error(probabilities, positive),
    }


def multiclass_metrics(probabilities: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Accuracy, balanced accuracy, macro area and average precision, macro F1, log loss and calibration error.

    Args:
        probabilities: ``(..., n_rows, n_classes)`` float32, rows sum to 1.
        target: ``(..., n_rows)`` int64.

    Returns:
        Values ``(...)``. Area and average precision are NaN where a class is missing from the rows: they are not
        defined there. A class that is neither there nor predicted does not count in F1.
    """
    of_label, labels = probabilities.max(dim=-1)
    of_target = probabilities.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    counts = _of_each_class(labels, target, n_classes=probabilities.shape[-1])
    areas, precisions = areas_and_precisions(probabilities, target)
    return {
        "acc": _share(labels == target),
        "balanced_acc": _balanced_accuracy(counts),
        "auroc": areas.mean(dim=-1),
        "average_precision": precisions.mean(dim=-1),
        "f1": _f1(counts, undefined=torch.nan).nanmean(dim=-1),
        "log_loss": _log_loss(of_target),
        "ece": _calibration_error(of_label, labels == target),
    }


def regression_metrics(predictions: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Root mean squared error, mean absolute error and R², averaged over targets.

    Args:
        predictions: ``(..., n_rows, n_targets)`` float32, in the target's units.
        target: ``(..., n_rows, n_targets)`` float32, in the target's units.

    Returns:
        Values ``(...)``. R² is NaN for fewer than two rows: it is not defined there. For a target without variance it
        is 1 where every prediction is right and else 0.
    """
    errors = predictions - target
    return {
        "rmse": errors.square().mean(dim=(-2, -1)).sqrt(),
        "mae": errors.abs().mean(dim=(-2, -1)),
        "r2": r2(predictions, target),
    }


def _share(true: Tensor) -> Tensor:
    return true.to(torch.float32).mean(dim=-1)


class _Counts(NamedTuple):
    """Rows ``(..., n_classes)`` of each class, rows that are labelled so, and rows of which both is true."""

    member: Tensor
    labelled: Tensor
    right: Tensor


def _of_both(labelled: Tensor, positive: Tensor) -> _Counts:
    """Counts of two classes; both ``(..., n_rows)`` say which rows are of class 1."""
    n_rows = positive.shape[-1]
    n_positive, n_labelled = positive.sum(dim=-1), labelled.sum(dim=-1)
    n_right = (labelled & positive).sum(dim=-1)
    of_class_1 = (n_positive, n_labelled, n_right)
    of_class_0 = (n_rows - n_positive, n_rows - n_labelled, n_rows - n_positive - n_labelled + n_right)
    return _Counts(*(torch.stack(both, dim=-1) for both in zip(of_class_0, of_class_1, strict=True)))


def _of_each_class(labels: Tensor, target: Tensor, *, n_classes: int) -> _Counts:
    """Counts of many classes; both ``(..., n_rows)`` int64."""
    none = target.new_zeros(*target.shape[:-1], n_classes)
    one = target.new_ones(()).expand_as(target)
    right = (labels == target).to(target.dtype)
    return _Counts(*(none.scatter_add(-1, of, rows) for of, rows in ((target, one), (labels, one), (target, right))))


def _balanced_accuracy(counts: _Counts) -> Tensor:
    """Mean recall of the classes that the rows hold, as scikit-learn has it."""
    recalls: Tensor = counts.right / counts.member
    return recalls.nanmean(dim=-1)


def _f1(counts: _Counts, *, undefined: float) -> Tensor:
    n_either = counts.labelled + counts.member
    return torch.where(n_either > 0, 2 * counts.right / n_either, undefined)


def _log_loss(of_target: Tensor) -> Tensor:
    return -of_target.clamp(min=EPSILON).log().mean(dim=-1)


def _calibration_error(confidences: Tensor, right: Tensor) -> Tensor:
    """Mean over rows of the distance between confidence and share of right rows in bins (Guo et al. 2017)."""
    edges = torch.linspace(0, 1, CALIBRATION_BINS + 1, device=confidences.device, dtype=confidences.dtype)
    bins = torch.bucketize(confidences, edges, right=True) - 1
    gaps = confidences.new_zeros(*confidences.shape[:-1], len(edges))
    gaps.scatter_add_(-1, bins, confidences - right.to(confidences.dtype))
    return gaps.abs().sum(dim=-1) / confidences.shape[-1]
