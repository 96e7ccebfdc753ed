"""Coefficient of determination."""

import torch
from torch import Tensor

from perceptron.metrics.all_rows import AllRowsMetric


class R2(AllRowsMetric):
    """R², averaged over the targets that vary, as scikit-learn's ``r2_score`` with ``force_finite=False``.

    torchmetrics' ``R2Score`` sums squares of the values themselves in float32, which rounds a target of 1e5 +- 1 away.
    Here the target is centred first. R² compares with the variance, so it is NaN where no target varies, as for fewer
    than two rows.

    Shape of the inputs of ``update``: both ``(n_rows,)`` or ``(n_rows, n_targets)``, floating point.
    """

    is_differentiable = True
    higher_is_better = True

    def compute(self) -> Tensor:
        """The mean over targets."""
        preds, target = self.rows()
        return r2(preds.view(len(preds), -1), target.view(len(target), -1))


def r2(predictions: Tensor, target: Tensor) -> Tensor:
    """R² ``(...)`` of predictions and target ``(..., n_rows, n_targets)``; NaN where no target varies."""
    residual = (predictions - target).square().sum(dim=-2)
    total = (target - target.mean(dim=-2, keepdim=True)).square().sum(dim=-2)
    # The mean of equal numbers may be another by rounding.
    varies = target.amax(dim=-2) > target.amin(dim=-2)
    return torch.where(varies, 1 - residual / total, torch.nan).nanmean(dim=-1)
