"""The base of all stacks of networks: stacked parameters, outputs and gradients for some or all members."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from perceptron.population.dropout_noise import Noise
from perceptron.population.padding import largest, padded


class StackedNetwork(nn.Module, ABC):
    """Networks side by side, every parameter and buffer with a leading dimension of members. Abstract.

    Args:
        networks: of one architecture, each with its own weights; those of fewer features are padded with zeros.

    Attributes:
        names: name of each stacked parameter within one network.
        stacked: ``(members, ...)`` parameters in the same order.
        stacked_buffers: ``(members, ...)`` buffers by name.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        parameters = _stacked([dict(network.named_parameters()) for network in networks])
        self.names = tuple(parameters)
        self.stacked = nn.ParameterList(nn.Parameter(stack) for stack in parameters.values())
        self.stacked_buffers = _stacked([dict(network.named_buffers()) for network in networks])

    @abstractmethod
    def forward(self, features: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        """Outputs ``(m, batch, n_outputs)`` of standardised features ``(m, batch, n_features)``.

        In training, ``backward`` and the next step may overwrite them.

        Args:
            features: a batch for each member that takes part.
            members: ``(m,)`` int64 positions in the stack of those that take part; None for all.
            noise: draws of dropout in training, which ``backward`` follows; None in evaluation.
        """

    @abstractmethod
    def backward(self, gradient: Tensor) -> None:
        """Set the gradients of the members that took part in the last ``forward``; those of others stay.

        Args:
            gradient: of the loss, by its outputs ``(m, batch, n_outputs)``.
        """

    @property
    def state(self) -> dict[str, Tensor]:
        """Parameters and buffers ``(members, ...)`` by their names within one network; not copied."""
        return dict(zip(self.names, (stack.data for stack in self.stacked), strict=True)) | self.stacked_buffers

    def keep(self, members: Tensor) -> None:
        """Remove all other members: positions ``(m,)`` int64 of those that stay, in their new order."""
        for stack in self.stacked:
            stack.data = stack.data[members]
            stack.grad = None
        self.stacked_buffers = {name: stack[members] for name, stack in self.stacked_buffers.items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Load another state, of any number of members."""
        for name, stack in zip(self.names, self.stacked, strict=True):
            stack.data = state[name]
            stack.grad = None
        self.stacked_buffers = {name: state[name] for name in self.stacked_buffers}


def _stacked(of_networks: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    shapes = {name: largest([own[name].shape for own in of_networks]) for name in of_networks[0]}
    return {
        name: torch.stack([padded(own[name].detach(), shape) for own in of_networks]) for name, shape in shapes.items()
    }


def gradients(stack: Tensor) -> Tensor:
    """The gradients of a stack, ``(members, ...)``, in memory that every step uses again."""
    if stack.grad is None:
        stack.grad = torch.zeros_like(stack)
    return stack.grad
