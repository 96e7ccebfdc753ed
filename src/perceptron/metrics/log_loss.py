"""Log loss of probabilities."""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

# Smallest probability, as scikit-learn clips float32.
EPSILON = torch.finfo(torch.float32).eps


class LogLoss(Metric):
    """Mean of -log of the probability that was given to each row's class, in nats, as scikit-learn's ``log_loss``.

    torchmetrics has none. Probabilities below float32's epsilon, 1.2e-7, count as that.

    Shape of the inputs of ``update``: probabilities ``(n_rows,)`` of class 1 or ``(n_rows, n_classes)``; target
    ``(n_rows,)`` int64.
    """

    is_differentiable = True
    higher_is_better = False
    full_state_update = False
    losses: list[Tensor]

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self.add_state("losses", [], dist_reduce_fx="cat")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Keep the losses of a batch."""
        of_target = torch.where(target == 1, preds, 1 - preds) if preds.ndim == 1 else _of_class(preds, target)
        self.losses.append(-of_target.clamp(min=EPSILON).log())

    def compute(self) -> Tensor:
        """The mean of all rows."""
        losses: Tensor = dim_zero_cat(self.losses)
        return losses.mean()


def _of_class(probabilities: Tensor, target: Tensor) -> Tensor:
    return probabilities.gather(-1, target.unsqueeze(-1)).squeeze(-1)
