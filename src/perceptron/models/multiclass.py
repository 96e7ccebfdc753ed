"""Two or more classes."""

import math
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from perceptron.models.evaluation import Prediction
from perceptron.models.task_module import TaskModule
from perceptron.tasks import MULTICLASS


class MulticlassClassifier(TaskModule):
    """A logit per class, trained with the cross-entropy.

    Args:
        label_smoothing: share of the target's probability spread over all classes, in [0, 1), as in
            ``torch.nn.CrossEntropyLoss``.
        **settings: those of ``TaskModule``.
    """

    task = MULTICLASS

    def __init__(self, *, label_smoothing: float = 0.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.label_smoothing = label_smoothing

    def row_losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of each row; outputs ``(..., n_rows, n_classes)``, target ``(..., n_rows)`` int64."""
        # torch wants the classes second.
        classes_second = outputs.movedim(-1, min(1, outputs.ndim - 1))
        return F.cross_entropy(classes_second, target, reduction="none", label_smoothing=self.label_smoothing)

    def mean_of_members(self, outputs: Tensor) -> Tensor:
        """The logarithms of the mean probabilities."""
        return outputs.log_softmax(dim=2).logsumexp(dim=1) - math.log(outputs.shape[1])

    def loss_in_units(self, loss: Tensor) -> Tensor:
        """The loss itself, in nats."""
        return loss

    def predictions(self, outputs: Tensor) -> Tensor:
        """Probabilities of each class."""
        # Classes second: over a last dimension of ten classes it takes ten times as long, and their sort twice.
        return outputs.movedim(-1, -2).softmax(dim=-2).movedim(-2, -1)

    def correct(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Whether the first class with the largest output is the target."""
        # The index of max takes a fifth of argmax's time (measured).
        return outputs.movedim(-1, -2).max(dim=-2).indices == target

    def answers(self, outputs: Tensor) -> Prediction:
        """Labels ``(batch,)`` and probabilities ``(batch, n_classes)``."""
        probabilities = outputs.softmax(dim=1)
        return Prediction(probabilities.argmax(dim=1), probabilities)

    def spread(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Of the probabilities of the label."""
        of_label = labels[:, None, None].expand(-1, outputs.shape[1], 1)
        return outputs.softmax(dim=2).gather(2, of_label).squeeze(2).std(dim=1, correction=0)
