"""Metrics over all rows of a split at once, by torchmetrics."""

import torch
from torch import Tensor
from torchmetrics.functional.classification import (
    binary_accuracy,
    binary_auroc,
    binary_average_precision,
    binary_calibration_error,
    binary_f1_score,
    multiclass_accuracy,
    multiclass_auroc,
    multiclass_average_precision,
    multiclass_calibration_error,
    multiclass_f1_score,
)
from torchmetrics.functional.regression import mean_absolute_error, mean_squared_error, r2_score

# Smallest probability in a log loss, as torchmetrics and scikit-learn clip it for float32.
_EPSILON = torch.finfo(torch.float32).eps


def binary_metrics(probabilities: Tensor, target: Tensor, *, threshold: float) -> dict[str, Tensor]:
    """Accuracy, balanced accuracy, area under the ROC curve, average precision, F1, log loss and calibration error.

    Args:
        probabilities: ``(n_rows,)`` float32, of class 1.
        target: ``(n_rows,)`` int64, 0 or 1.
        threshold: probability from which on a row is labelled 1.

    Returns:
        Scalars. Area and average precision, of class 1, are NaN where the rows hold one class only: they are not
        defined there.
    """
    labels = (probabilities >= threshold).long()
    of_target = torch.where(target == 1, probabilities, 1 - probabilities)
    complete = _n_distinct(target) == 2
    return {
        "acc": binary_accuracy(labels, target),
        "balanced_acc": _balanced_accuracy(labels, target, n_classes=2),
        "auroc": binary_auroc(probabilities, target) if complete else _undefined(target),
        "average_precision": binary_average_precision(probabilities, target) if complete else _undefined(target),
        "f1": binary_f1_score(labels, target),
        "log_loss": -of_target.clamp(min=_EPSILON).log().mean(),
        "ece": binary_calibration_error(probabilities, target),
    }


def multiclass_metrics(probabilities: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Accuracy, balanced accuracy, macro area and average precision, macro F1, log loss and calibration error.

    Args:
        probabilities: ``(n_rows, n_classes)`` float32, rows sum to 1.
        target: ``(n_rows,)`` int64.

    Returns:
        Scalars. Area and average precision are NaN where a class is missing from the rows: they are not defined there.
    """
    n_classes = probabilities.shape[1]
    labels = probabilities.argmax(dim=1)
    of_target = probabilities.gather(1, target.unsqueeze(1))
    complete = _n_distinct(target) == n_classes
    return {
        "acc": multiclass_accuracy(labels, target, num_classes=n_classes, average="micro"),
        "balanced_acc": _balanced_accuracy(labels, target, n_classes=n_classes),
        "auroc": multiclass_auroc(probabilities, target, num_classes=n_classes) if complete else _undefined(target),
        "average_precision": (
            multiclass_average_precision(probabilities, target, num_classes=n_classes)
            if complete
            else _undefined(target)
        ),
        "f1": multiclass_f1_score(labels, target, num_classes=n_classes, average="macro"),
        "log_loss": -of_target.clamp(min=_EPSILON).log().mean(),
        "ece": multiclass_calibration_error(probabilities, target, num_classes=n_classes),
    }


def regression_metrics(predictions: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Root mean squared error, mean absolute error and R², averaged over targets.

    Args:
        predictions: ``(n_rows, n_targets)`` float32, in the target's units.
        target: ``(n_rows, n_targets)`` float32, in the target's units.

    Returns:
        Scalars. R² is NaN for fewer than two rows: it is not defined there.
    """
    return {
        "rmse": mean_squared_error(predictions, target, squared=False),
        "mae": mean_absolute_error(predictions, target),
        "r2": r2_score(predictions, target) if len(target) > 1 else _undefined(target),
    }


def _balanced_accuracy(labels: Tensor, target: Tensor, *, n_classes: int) -> Tensor:
    """Mean recall of the classes that the rows hold, as scikit-learn has it."""
    rows = target.bincount(minlength=n_classes)
    hits = target[labels == target].bincount(minlength=n_classes)
    return (hits / rows)[rows > 0].mean()


def _n_distinct(target: Tensor) -> int:
    return int(target.bincount().count_nonzero())


def _undefined(like: Tensor) -> Tensor:
    return torch.tensor(torch.nan, device=like.device)
