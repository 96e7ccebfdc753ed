"""Two classes."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import MetricCollection

from perceptron.models.evaluation import Prediction
from perceptron.models.split_metrics import label_from
from perceptron.models.task_module import TaskModule
from perceptron.models.threshold import START, best_threshold
from perceptron.tasks import BINARY


class BinaryClassifier(TaskModule):
    """One logit per row, trained with the binary cross-entropy of logits.

    Args:
        threshold: probability of class 1 from which on a row is labelled 1, in (0, 1); ``auto`` for one that
            ``choose_threshold`` finds once the weights are trained, and which is part of the state then. Until then it
            is 0.5, in the metrics of every epoch too.
        **settings: those of ``TaskModule``.
    """

    task = BINARY
    cut: Tensor | float

    def __init__(self, *, threshold: float | str = START, **settings: Any) -> None:
        super().__init__(**settings)
        self.chooses_threshold = threshold == "auto"
        if self.chooses_threshold:
            self.register_buffer("cut", torch.tensor(START))
        else:
            self.cut = float(threshold)
            # So that a model whose threshold was chosen can be asked with another.
            self.register_load_state_dict_pre_hook(_without_cut)  # type: ignore[no-untyped-call]

    @property
    def threshold(self) -> float:
        """Probability of class 1 from which on a row is labelled 1."""
        return float(self.cut)

    def choose_threshold(self, outputs: Tensor, target: Tensor) -> None:
        """Set the threshold to the best for rows that the weights were not trained on; see ``best_threshold``.

        Args:
            outputs: ``(n_rows, 1)``.
            target: ``(n_rows,)`` int64, both classes among them.
        """
        self.take_threshold(best_threshold(outputs.squeeze(1).sigmoid(), target))

    def take_threshold(self, threshold: float) -> None:
        """Set a threshold that was chosen."""
        assert isinstance(self.cut, Tensor)  # noqa: S101
        self.cut.fill_(threshold)

    def on_fit_start(self) -> None:
        """Weights that are trained on are measured as those that are trained anew."""
        if self.chooses_threshold:
            self.take_threshold(START)

    def row_losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Binary cross-entropy of each row; outputs ``(..., n_rows, 1)``, target ``(..., n_rows)`` int64."""
        return F.binary_cross_entropy_with_logits(outputs.squeeze(-1), target.to(outputs.dtype), reduction="none")

    def mean_of_members(self, outputs: Tensor) -> Tensor:
        """The logit of the mean probability."""
        return F.logsigmoid(outputs).logsumexp(dim=1) - F.logsigmoid(-outputs).logsumexp(dim=1)

    def loss_in_units(self, loss: Tensor) -> Tensor:
        """The loss itself, in nats."""
        return loss

    def predictions(self, outputs: Tensor) -> Tensor:
        """Probabilities of class 1."""
        return outputs.squeeze(-1).sigmoid()

    def correct(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Whether the label by the threshold is the target."""
        return (outputs.squeeze(-1).sigmoid() >= self.cut) == target.bool()

    def answers(self, outputs: Tensor) -> Prediction:
        """Labels ``(batch,)`` and probabilities ``(batch, 2)``."""
        of_class_1 = outputs.sigmoid()
        labels = (of_class_1.squeeze(1) >= self.cut).long()
        return Prediction(labels, torch.cat([1 - of_class_1, of_class_1], dim=1))

    def spread(self, outputs: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002
        """Of the probabilities of class 1, which is that of class 0 too."""
        return outputs.squeeze(2).sigmoid().std(dim=1, correction=0)

    def label_as_predicted(self, metrics: MetricCollection, dtype: torch.dtype) -> None:
        """Give the model's threshold to the metrics that have one."""
        label_from(metrics, self.threshold, dtype)


def _without_cut(module: TaskModule, state: dict[str, Any], prefix: str, *_: Any) -> None:  # noqa: ARG001
    state.pop(f"{prefix}cut", None)
