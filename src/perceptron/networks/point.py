"""A network that is a single number: the x of a function to be minimised."""

import torch
from torch import Tensor, nn


class Point(nn.Module):
    """Gives its one parameter for every row, so that a squared error against 0 is f(x) = x².

    Shape: ``(batch, n_features)`` to ``(batch, 1)``.

    Args:
        start: where the descent starts.
        n_features: not used; every network takes it.
        n_outputs: must be 1.
    """

    def __init__(self, *, start: float = 1.0, n_features: int = 1, n_outputs: int = 1) -> None:  # noqa: ARG002
        super().__init__()
        self.x = nn.Parameter(torch.tensor(start))

    def forward(self, features: Tensor) -> Tensor:
        """The point, once per row."""
        return self.x.expand(len(features), 1)
