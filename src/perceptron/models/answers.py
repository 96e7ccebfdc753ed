"""What a model answers for raw rows."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from perceptron.models.task_module import Prediction, TaskModule


class Answers(nn.Module):
    """Raw features to answers in the target's units, with offsets, standardisation and probabilities inside.

    Shape: ``(batch, n_features)`` float64 to ``label`` ``(batch,)`` int64 and ``probabilities`` ``(batch, n_classes)``
    float32; for regression to ``values`` ``(batch, n_targets)`` float64 in the targets' units. Of an ensemble also to
    ``spread``, see ``Prediction``.

    Args:
        model: ready to predict, on the CPU.
        feature_offsets: what the model's features are less; empty for nothing.
        target_offsets: the same of a continuous target.
    """

    feature_offsets: Tensor
    target_offsets: Tensor

    def __init__(
        self, model: TaskModule, *, feature_offsets: Sequence[float] = (), target_offsets: Sequence[float] = ()
    ) -> None:
        super().__init__()
        self.model = model
        for name, offsets in (("feature_offsets", feature_offsets), ("target_offsets", target_offsets)):
            # One 0 is added to every column.
            self.register_buffer(name, torch.tensor(offsets or [0.0], dtype=torch.float64))

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """Answers for raw rows, those that there are."""
        return tuple(answer for answer in self.predict(features) if answer is not None)

    def predict(self, features: Tensor) -> Prediction:
        """Answers for raw rows; of a regression the labels are float64."""
        # In single precision whatever the model's is, as in training.
        prediction = self.model.predict((features - self.feature_offsets).float())
        if prediction.probabilities is not None:
            return prediction
        return prediction._replace(labels=prediction.labels + self.target_offsets)
