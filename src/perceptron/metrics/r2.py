"""Coefficient of determination."""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class R2(Metric):
    """R², averaged over targets, as scikit-learn's ``r2_score``.

    torchmetrics' ``R2Score`` sums squares of the values themselves in float32: of a target of 1e5 +- 1 nothing is left.
    Here the target is centred first. For fewer than two rows it is NaN: it is not defined there. For a target without
    variance it is 1 where every prediction is right and else 0.

    Shape of the inputs of ``update``: both ``(n_rows,)`` or ``(n_rows, n_targets)``, floating point.
    """

    is_differentiable = True
    higher_is_better = True
    full_state_update = False
    preds: list[Tensor]
    target: list[Tensor]

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self.add_state("preds", [], dist_reduce_fx="cat")
        self.add_state("target", [], dist_reduce_fx="cat")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Keep a batch."""
        self.preds.append(preds)
        self.target.append(target)

    def compute(self) -> Tensor:
        """The mean over targets."""
        preds, target = dim_zero_cat(self.preds), dim_zero_cat(self.target)
        return r2(preds.view(len(preds), -1), target.view(len(target), -1))


def r2(predictions: Tensor, target: Tensor) -> Tensor:
    """R² ``(...)`` of predictions and target ``(..., n_rows, n_targets)``."""
    residual = (predictions - target).square().sum(dim=-2)
    total = (target - target.mean(dim=-2, keepdim=True)).square().sum(dim=-2)
    of_targets = torch.where(total == 0, (residual == 0).to(residual.dtype), 1 - residual / total)
    mean = of_targets.mean(dim=-1)
    return mean if target.shape[-2] > 1 else torch.full_like(mean, torch.nan)
