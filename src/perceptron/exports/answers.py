"""What an exported model computes."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from perceptron.errors import UsageError
from perceptron.models import TaskModule

# In probabilities, or relative to values in the target's units.
TOLERANCE = 1e-5


class Answers(nn.Module):
    """Raw features to answers, with the standardisation and the probabilities inside.

    Shape: ``(batch, n_features)`` float32 to ``label`` ``(batch,)`` int64 and ``probabilities`` ``(batch, n_classes)``
    float32; for regression to ``values`` ``(batch, n_targets)`` float32 in the targets' units. Of an ensemble also to
    ``spread``, see ``Prediction``.

    Args:
        model: ready to predict.
    """

    def __init__(self, model: TaskModule) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """Answers for raw rows."""
        return tuple(answer for answer in self.model.predict(features) if answer is not None)


def output_names(model: TaskModule, row: Tensor) -> tuple[str, ...]:
    """Names of the answers, in order, found by asking for one row."""
    numbers = tuple(expected(model, row))
    return numbers if "values" in numbers else ("label", *numbers)


def example(n_features: int) -> Tensor:
    """Rows to trace with. Two, because torch takes a batch of one for a constant."""
    return torch.zeros(2, n_features)


def expected(model: TaskModule, rows: Tensor) -> dict[str, npt.NDArray[np.float32]]:
    """The model's own numbers: probabilities, or values; and the spread of an ensemble."""
    with torch.inference_mode():
        labels, probabilities, spread = model.predict(rows)
    numbers = {"values": labels} if probabilities is None else {"probabilities": probabilities}
    if spread is not None:
        numbers["spread"] = spread
    return {name: values.numpy() for name, values in numbers.items()}


def check_agreement(
    wanted: Mapping[str, npt.NDArray[np.float32]], got: Mapping[str, npt.NDArray[np.float32]], *, by: str
) -> float:
    """Compare an exported model's numbers with the model's own.

    Returns:
        The largest difference, relative for values above 1.

    Raises:
        UsageError: where it is above ``TOLERANCE``.
    """
    largest = 0.0
    for name, values in wanted.items():
        difference = np.abs(values - got[name]) / np.maximum(1, np.abs(values))
        # A number that is not finite must fail too.
        largest = max(largest, float(np.nan_to_num(difference, nan=np.inf).max()))
    if largest > TOLERANCE:
        raise UsageError(
            f"an exported model must agree with the model within {TOLERANCE}, got {largest:.2e} in {by}; "
            "nothing was written: try the other format"
        )
    return largest
