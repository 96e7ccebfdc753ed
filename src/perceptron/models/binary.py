"""Two classes."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from perceptron.models.base import Prediction, TaskModule
from perceptron.models.metrics import binary_metrics


class BinaryClassifier(TaskModule):
    """One logit per row, trained with the binary cross-entropy of logits.

    Args:
        threshold: probability of class 1 from which on a row is labelled 1, in (0, 1).
        **settings: those of ``TaskModule``.
    """

    def __init__(self, *, threshold: float = 0.5, **settings: Any) -> None:
        super().__init__(**settings)
        self.threshold = threshold

    def row_losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Binary cross-entropy of each row; outputs ``(batch, 1)``, target ``(batch,)`` int64."""
        return F.binary_cross_entropy_with_logits(outputs.squeeze(1), target.to(outputs.dtype), reduction="none")

    def mean_of_members(self, outputs: Tensor) -> Tensor:
        """The logit of the mean probability."""
        return F.logsigmoid(outputs).logsumexp(dim=1) - F.logsigmoid(-outputs).logsumexp(dim=1)

    def loss_in_units(self, loss: Tensor) -> Tensor:
        """The loss itself, in nats."""
        return loss

    def metrics(self, outputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """See ``binary_metrics``."""
        return binary_metrics(outputs.squeeze(-1).sigmoid(), target, threshold=self.threshold)

    def answers(self, outputs: Tensor) -> Prediction:
        """Labels ``(batch,)`` and probabilities ``(batch, 2)``."""
        of_class_1 = outputs.sigmoid()
        labels = (of_class_1.squeeze(1) >= self.threshold).long()
        return Prediction(labels, torch.cat([1 - of_class_1, of_class_1], dim=1))

    def spread(self, outputs: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002
        """Of the probabilities of class 1, which is that of class 0 too."""
        return outputs.squeeze(2).sigmoid().std(dim=1, correction=0)
