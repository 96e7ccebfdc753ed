"""Snapshots of the members' weights, which figures show as the path of a training."""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from perceptron.population.member import Member
from perceptron.population.padding import trimmed


def extend_paths(members: Sequence[Member], state: Mapping[str, Tensor], n_epochs: int) -> None:
    """Take a snapshot of each member that has a path and has not failed.

    Args:
        members: in the order of the stacks.
        state: stacked parameters and buffers, by name.
        n_epochs: behind the training.
    """
    for position, member in enumerate(members):
        if member.path is not None and member.failure is None:
            member.path.extend(n_epochs, partial(_weights, state, position, member.model.network))


def _weights(state: Mapping[str, Tensor], position: int, network: nn.Module) -> Tensor:
    """The weights of a network at a position of the stacks, end to end, ``(n_weights,)``, without its padding."""
    own = network.named_parameters()
    return torch.cat([trimmed(state[name][position], weights.shape).flatten() for name, weights in own])
