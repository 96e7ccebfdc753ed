"""Predict from raw rows."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from perceptron.models.evaluation import Prediction
from perceptron.models.task_module import TaskModule


class Answers(nn.Module):
    """A model with the offsets of its columns, from raw features to predictions in the target's units.

    Shape: ``(batch, n_features)`` float64 to ``label`` ``(batch,)`` int64 and ``probabilities`` ``(batch, n_classes)``
    float32; for regression to ``values`` ``(batch, n_targets)`` float64 in the targets' units. Of an ensemble also to
    ``spread``, see ``Prediction``.

    Args:
        model: ready to predict, on the CPU.
        feature_offsets: that are subtracted from the features before the model; empty for none.
        target_offsets: that are added to predictions of a continuous target; empty for none.
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
        """The parts of the prediction that are not None."""
        return tuple(answer for answer in self.predict(features) if answer is not None)

    def predict(self, features: Tensor) -> Prediction:
        """Prediction for raw rows; the labels of a regression are float64."""
        # In single precision whatever the model's is, as in training.
        prediction = self.model.predict((features - self.feature_offsets).float())
        if prediction.probabilities is not None:
            return prediction
        return prediction._replace(labels=prediction.labels + self.target_offsets)
