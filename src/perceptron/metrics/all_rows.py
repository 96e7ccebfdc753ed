"""The base of metrics that are computed over all rows at once."""

from abc import ABC

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class AllRowsMetric(Metric, ABC):
    """A metric that is computed over all predictions and targets, of all batches and processes. Abstract."""

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

    def rows(self) -> tuple[Tensor, Tensor]:
        """Predictions and target of all rows."""
        return dim_zero_cat(self.preds), dim_zero_cat(self.target)
