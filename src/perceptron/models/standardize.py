"""Standardisation as a layer, so that it is stored with the weights."""

from collections.abc import Sequence

import numpy.typing as npt
import torch
from torch import Tensor, nn


class Standardize(nn.Module):
    """Standardises columns, and back, with mean and scale as buffers.

    Shape: ``(batch, n_columns)`` of ``dtype`` both ways.

    Args:
        mean: ``(n_columns,)`` in the columns' units.
        scale: ``(n_columns,)`` in the columns' units, above 0.
        dtype: what is computed in.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: npt.ArrayLike, scale: npt.ArrayLike, *, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean, dtype=dtype))
        self.register_buffer("scale", torch.as_tensor(scale, dtype=dtype))

    def move(self, offsets: Sequence[float], *, to: Sequence[float]) -> None:
        """Take columns that are counted from other offsets, one per column or none for zeros."""
        own, other = (torch.tensor(each or [0.0], dtype=torch.float64) for each in (offsets, to))
        self.mean.copy_(self.mean.double() + (own - other))

    def forward(self, columns: Tensor) -> Tensor:
        """Standardised columns."""
        return (columns - self.mean) / self.scale

    def inverse(self, standardised: Tensor) -> Tensor:
        """Columns in their own units."""
        return standardised * self.scale + self.mean
