"""Area under the ROC curve and average precision."""

import torch
from torch import Tensor

from perceptron.metrics.all_rows import AllRowsMetric

_MANY_ROWS = 100_000
# Whose ranks are counted at a time, in int32: of all rows at once they would take 37 bytes a row.
_PART_ROWS = 2**20


class Ranking(AllRowsMetric):
    """Area under the ROC curve and average precision: of class 1, or the mean over classes, each against the others.

    torchmetrics' ``AUROC`` and ``AveragePrecision`` leave a class out that the rows do not hold, or count it as 0: the
    mean over other classes then looks like the metric of all. Here both are NaN, as in scikit-learn's
    ``roc_auc_score``. Both come from one sort.

    Shape of the inputs of ``update``: probabilities, in [0, 1], ``(n_rows,)`` of class 1 or ``(n_rows, n_classes)``;
    target ``(n_rows,)`` int64.
    """

    is_differentiable = False
    higher_is_better = True

    def compute(self) -> dict[str, Tensor]:
        """``auroc`` and ``average_precision``."""
        preds, target = self.rows()
        of_classes = area_and_precision(preds, target == 1) if preds.ndim == 1 else areas_and_precisions(preds, target)
        area, precision = (each.mean() for each in of_classes)
        return {"auroc": area, "average_precision": precision}


def areas_and_precisions(probabilities: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The same of each class against the others; one after the other where all at once would take many times the table.

    Args:
        probabilities: ``(..., n_rows, n_classes)``, in [0, 1].
        target: ``(..., n_rows)`` int64.

    Returns:
        Areas and average precisions ``(..., n_classes)``.
    """
    scores, classes = probabilities.transpose(-1, -2), range(probabilities.shape[-1])
    if target.shape[-1] < _MANY_ROWS:
        numbers = torch.tensor(classes, device=target.device).unsqueeze(-1)
        return area_and_precision(scores, target.unsqueeze(-2) == numbers)
    one_by_one = (area_and_precision(scores[..., number, :], target == number) for number in classes)
    areas, precisions = zip(*one_by_one, strict=True)
    return torch.stack(areas, dim=-1), torch.stack(precisions, dim=-1)


def area_and_precision(scores: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
    """Area under the ROC curve and average precision of scores, from one sort; NaN where the rows hold one class.

    The area is the share of pairs in order, ties half (Mann and Whitney 1947), counted in whole numbers:
    (T - n₊²) / 2 n₊n₋, where T sums, over positive rows, the rows below and those not above. The average precision is
    the mean, over positive rows, of the precision at their score: the sum over steps of recall, ties as one step.

    Args:
        scores: ``(..., n_rows)`` floating point, in [0, 1]; leading dimensions hold models or classes side by side.
        positive: ``(..., n_rows)`` bool.

    Returns:
        Area and average precision, ``(...)`` each.
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
