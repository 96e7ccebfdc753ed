"""Stacks of networks that take different numbers of features: features of zeros beside the own ones.

A weight of a padded feature has no gradient, and changes no output: what elementwise optimizers and clipping do to the
other weights is the same without it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def padded(tensor: Tensor, shape: Sequence[int], value: float = 0.0) -> Tensor:
    """A tensor with ``value`` behind its elements in every dimension, up to a shape; itself if it has the shape."""
    if tuple(tensor.shape) == tuple(shape):
        return tensor
    larger = tensor.new_full(tuple(shape), value)
    larger[tuple(map(slice, tensor.shape))] = tensor
    return larger


def trimmed(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    """The elements of a padded tensor that are its own."""
    return tensor[tuple(map(slice, shape))]


def largest(shapes: Sequence[torch.Size]) -> tuple[int, ...]:
    """The smallest shape in which all of these have room, of as many dimensions."""
    return tuple(map(max, zip(*shapes, strict=True)))


def is_padded(name: str, network: nn.Module) -> bool:
    """Whether a parameter may differ between networks of a stack: the weight of a sequence's first linear layer."""
    layers = dict(network.named_children())
    first = next((key for key, layer in layers.items() if isinstance(layer, nn.Linear)), None)
    return name == f"{first}.weight"
