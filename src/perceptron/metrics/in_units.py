"""A metric in the targets' units, for models whose targets are less an offset."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.wrappers import MetricInputTransformer


class InUnits(MetricInputTransformer):
    """A metric of predictions and targets with their offsets added again, in double precision.

    Relative errors, for example, change where an offset is subtracted from both. Double precision, because float32
    rounds a value far from zero by more than predictions differ from targets.

    Shape of the inputs of ``update``: both ``(n_rows,)`` or ``(n_rows, n_targets)``, less the offsets.

    Args:
        metric: of values in the targets' units.
        offsets: one per target.
    """

    def __init__(self, metric: Metric, offsets: Sequence[float]) -> None:
        super().__init__(metric)
        self.offsets = tuple(offsets)

    def transform_pred(self, pred: Tensor) -> Tensor:
        """Predictions in the targets' units."""
        return pred.double() + torch.tensor(self.offsets, dtype=torch.float64, device=pred.device)

    def transform_target(self, target: Tensor) -> Tensor:
        """Targets in their units."""
        return self.transform_pred(target)
