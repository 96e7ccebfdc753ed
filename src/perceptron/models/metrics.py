"""Metrics over all rows of a split at once, of one model or of many side by side.

In plain tensor operations over the last dimensions, because a population of models is scored every epoch: torchmetrics'
functions take one model at a time, and its area under the ROC curve alone took 60 % of an evaluation (measured). The
definitions are torchmetrics' and scikit-learn's, and the tests hold the values against both.
"""

from typing import NamedTuple

import torch
from torch import Tensor

# Smallest probability in a log loss, as torchmetrics and scikit-learn clip it for float32.
_EPSILON = torch.finfo(torch.float32).eps
_CALIBRATION_BINS = 15
_MANY_ROWS = 100_000
# Whose ranks are counted at a time, in int32: of all rows at once they would take 37 bytes a row.
_PART_ROWS = 2**20


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
    area, precision = _area_and_precision(probabilities, positive)
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
    areas, precisions = _areas_and_precisions(probabilities, target)
    return {
        "acc": _share(labels == target),
        "balanced_acc": _balanced_accuracy(counts),
        "auroc": areas.mean(dim=-1),
        "average_precision": precisions.mean(dim=-1),
        "f1": _f1(counts, undefined=torch.nan).nanmean(dim=-1),
        "log_loss": _log_loss(of_target),
        "ece": _calibration_error(of_label, labels == target),
    }


def label_metrics(labels: Tensor, target: Tensor, *, n_classes: int) -> dict[str, Tensor]:
    """Those of the metrics above that need labels alone: accuracy, balanced accuracy and F1.

    Args:
        labels: ``(n_rows,)`` int64.
        target: ``(n_rows,)`` int64.
        n_classes: 2 for the F1 of class 1, more for the macro F1.
    """
    counts = _of_each_class(labels, target, n_classes=n_classes)
    f1 = _f1(counts, undefined=0.0)[1] if n_classes == 2 else _f1(counts, undefined=torch.nan).nanmean()
    return {"acc": _share(labels == target), "balanced_acc": _balanced_accuracy(counts), "f1": f1}


def order_metrics(scores: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Those of the metrics above that need the order of rows alone: area and average precision.

    Args:
        scores: from 0 to 1, float32: of class 1 ``(n_rows,)``, or of each class ``(n_rows, n_classes)``.
        target: ``(n_rows,)`` int64.
    """
    of_classes = _area_and_precision(scores, target == 1) if scores.ndim == 1 else _areas_and_precisions(scores, target)
    area, precision = (each.mean() for each in of_classes)
    return {"auroc": area, "average_precision": precision}


def regression_metrics(predictions: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Root mean squared error, mean absolute error and R², averaged over targets.

    Args:
        predictions: ``(..., n_rows, n_targets)`` float32, in the target's units.
        target: ``(..., n_rows, n_targets)`` float32, in the target's units.

    Returns:
        Values ``(...)``. R² is the mean over the targets that vary, for it compares with the variance; NaN where none
        does, as for fewer than two rows. It is scikit-learn's with ``force_finite=False``.
    """
    errors = predictions - target
    residual = errors.square().sum(dim=-2)
    total = (target - target.mean(dim=-2, keepdim=True)).square().sum(dim=-2)
    # The mean of equal numbers may be another by rounding.
    varies = target.amax(dim=-2) > target.amin(dim=-2)
    r2 = torch.where(varies, 1 - residual / total, torch.nan).nanmean(dim=-1)
    return {
        "rmse": errors.square().mean(dim=(-2, -1)).sqrt(),
        "mae": errors.abs().mean(dim=(-2, -1)),
        "r2": r2,
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


def _areas_and_precisions(probabilities: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Of each class; one after the other where all at once would take many times the table."""
    scores, classes = probabilities.transpose(-1, -2), range(probabilities.shape[-1])
    if target.shape[-1] < _MANY_ROWS:
        numbers = torch.tensor(classes, device=target.device).unsqueeze(-1)
        return _area_and_precision(scores, target.unsqueeze(-2) == numbers)
    one_by_one = (_area_and_precision(scores[..., number, :], target == number) for number in classes)
    areas, precisions = zip(*one_by_one, strict=True)
    return torch.stack(areas, dim=-1), torch.stack(precisions, dim=-1)


def _area_and_precision(scores: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
    """Area under the ROC curve and average precision of probabilities, from one sort.

    The area is the share of pairs in order, ties half (Mann and Whitney 1947), counted in whole numbers:
    (T - n₊²) / 2 n₊n₋, where T sums, over positive rows, the rows below and those not above. The average precision is
    the mean, over positive rows, of the precision at their score: the sum over steps of recall, ties as one step.
    """
    n_rows, n_positive = scores.shape[-1], positive.sum(dim=-1, keepdim=True)
    # Of each row, how many rows are below its score, and how many of these are positive.
    below = positive_below = seen_positive = torch.zeros_like(n_positive, dtype=torch.int32)
    pairs, precision = n_rows * n_positive, torch.zeros(n_positive.shape, device=scores.device)
    first, last = 0, None
    for part in torch.split(_sorted_with_last_bit(scores, positive), _PART_ROWS, dim=-1):
        score, member = part >> 1, part & 1 == 1
        starts = torch.ones_like(member)
        torch.ne(score[..., 1:], score[..., :-1], out=starts[..., 1:])
        if last is not None:
            torch.ne(score[..., :1], last, out=starts[..., :1])
        numbers = torch.arange(first, first + part.shape[-1], dtype=torch.int32, device=scores.device)
        seen = member.cumsum(dim=-1, dtype=torch.int32).add_(seen_positive)
        below = _of_last_start(numbers, starts, before=below[..., -1:])
        positive_below = _of_last_start(seen - member.to(torch.int32), starts, before=positive_below[..., -1:])
        # A row is not above a positive one where the positive one is not below it.
        pairs += below.masked_fill(~member, 0).sum(dim=-1, keepdim=True) - positive_below.sum(dim=-1, keepdim=True)
        precisions = (n_positive.to(torch.int32) - positive_below) / (n_rows - below)
        precision += precisions.masked_fill_(~member, 0).sum(dim=-1, keepdim=True)
        first, last, seen_positive = first + part.shape[-1], score[..., -1:], seen[..., -1:]
    area = (pairs - n_positive.square()) / (2 * n_positive * (n_rows - n_positive))
    precision = torch.where(n_positive < n_rows, precision / n_positive, torch.nan)
    return area.squeeze(-1), precision.squeeze(-1)


def _sorted_with_last_bit(scores: Tensor, positive: Tensor) -> Tensor:
    """Sorted whole numbers whose order is that of the scores, from 0 to below 2, with the positive as their last bit.

    The bits of such a number grow with it, and their first two are 0. On a CPU NumPy sorts rows of 270 of them 25 times
    as fast as torch, which sorts their places too (measured).
    """
    bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[scores.element_size()]
    keys = (scores.contiguous().view(bits) << 1).bitwise_or_(positive)
    if keys.device.type != "cpu":
        return keys.sort(dim=-1).values
    keys.numpy().sort(axis=-1)
    return keys


def _of_last_start(counts: Tensor, starts: Tensor, *, before: Tensor) -> Tensor:
    """Counts, which grow along the rows, at the first row that has a row's score; ``before`` where that is no part."""
    return torch.maximum(torch.where(starts, counts, 0).cummax(dim=-1).values, before)


def _log_loss(of_target: Tensor) -> Tensor:
    return -of_target.clamp(min=_EPSILON).log().mean(dim=-1)


def _calibration_error(confidences: Tensor, right: Tensor) -> Tensor:
    """Mean over rows of the distance between confidence and share of right rows in bins (Guo et al. 2017)."""
    edges = torch.linspace(0, 1, _CALIBRATION_BINS + 1, device=confidences.device, dtype=confidences.dtype)
    bins = torch.bucketize(confidences, edges, right=True) - 1
    gaps = confidences.new_zeros(*confidences.shape[:-1], len(edges))
    gaps.scatter_add_(-1, bins, confidences - right.to(confidences.dtype))
    return gaps.abs().sum(dim=-1) / confidences.shape[-1]
