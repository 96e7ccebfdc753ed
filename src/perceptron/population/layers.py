"""Linear layers and what stands between them, of many networks at once, with their gradients by hand."""

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from perceptron.networks import ACTIVATIONS, MLP
from perceptron.population.noise import Noise
from perceptron.population.stack import StackedNetwork, gradients

_ELEMENTWISE: tuple[type[nn.Module], ...] = (nn.Identity, *ACTIVATIONS.values())


class StackedLayers(StackedNetwork):
    """Linear layers and what stands between them, as batched matrix products.

    A batch's rows are the last dimension: then weights and gradients both lie in memory as torch's own do, and no
    product has the few outputs of a last layer as its inner loop, which takes five times as long (measured). Gradients
    are computed by hand, into the same memory in every step: by autograd a step takes 1.3 times as long (measured).

    Args:
        networks: as ``is_layers`` wants them.
    """

    def __init__(self, networks: Sequence[nn.Sequential]) -> None:
        super().__init__(networks)
        stacks = dict(zip(self.names, self.stacked, strict=True))
        # In a plain list, so that the first network's parameters are not this module's.
        self.layers: list[_Layer] = []
        n_dropouts = 0
        for i, layer in enumerate(networks[0]):
            if isinstance(layer, nn.Linear):
                self.layers.append(_Linear(stacks[f"{i}.weight"], stacks[f"{i}.bias"]))
            elif isinstance(layer, nn.Dropout):
                self.layers.append(_Dropout(n_dropouts))
                n_dropouts += 1
            else:
                self.layers.append(_Elementwise(layer))

    @torch.no_grad()
    def forward(self, features: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        """See ``StackedNetwork``."""
        hidden = features.transpose(1, 2)
        for layer in self.layers:
            hidden = layer.forward(hidden, members, noise)
        return hidden.transpose(1, 2)

    @torch.no_grad()
    def backward(self, gradient: Tensor) -> None:
        """See ``StackedNetwork``."""
        first = next(i for i, layer in enumerate(self.layers) if isinstance(layer, _Linear))
        gradient = gradient.transpose(1, 2)
        for layer in reversed(self.layers[first:]):
            gradient = layer.backward(gradient, is_first=layer is self.layers[first])


def is_layers(network: nn.Module) -> bool:
    """Whether ``StackedLayers`` gives what such networks give: a plain sequence of layers that it knows."""
    if type(network) not in (MLP, nn.Sequential):
        return False
    layers = list(network.children())
    return any(type(layer) is nn.Linear for layer in layers) and all(map(_is_known, layers))


def _is_known(layer: nn.Module) -> bool:
    if type(layer) is nn.Linear:
        return layer.bias is not None
    return type(layer) is nn.Dropout or type(layer) in _ELEMENTWISE


class _Layer:
    """A layer of every member: it takes ``(m, width, batch)`` and gives as much. Abstract."""

    @abstractmethod
    def forward(self, hidden: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        """Its outputs; with noise, what ``backward`` needs is kept."""

    @abstractmethod
    def backward(self, gradient: Tensor, *, is_first: bool) -> Tensor:
        """Gradient of its inputs by that of its outputs; nothing of use where it is the first with parameters."""


class _Linear(_Layer):
    def __init__(self, weight: nn.Parameter, bias: nn.Parameter) -> None:
        self.stacks = (weight, bias)

    def forward(self, hidden: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        weight, bias = self.stacks if members is None else (stack[members] for stack in self.stacks)
        if noise is not None:
            self._inputs, self._weight, self._members = hidden, weight, members
        return torch.baddbmm(bias.unsqueeze(2), weight, hidden)

    def backward(self, gradient: Tensor, *, is_first: bool) -> Tensor:
        inputs = self._inputs.transpose(1, 2)
        of_weight, of_bias = map(gradients, self.stacks)
        if self._members is None:
            torch.bmm(gradient, inputs, out=of_weight)
            torch.sum(gradient, 2, out=of_bias)
        else:
            of_weight.index_copy_(0, self._members, torch.bmm(gradient, inputs))
            of_bias.index_copy_(0, self._members, gradient.sum(2))
        return gradient if is_first else torch.bmm(self._weight.transpose(1, 2), gradient)


class _Dropout(_Layer):
    def __init__(self, number: int) -> None:
        self.number = number

    def forward(self, hidden: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        if noise is None:
            return hidden
        self._mask = noise.mask(hidden.transpose(1, 2), self.number, members).transpose(1, 2)
        return hidden * self._mask

    def backward(self, gradient: Tensor, *, is_first: bool) -> Tensor:  # noqa: ARG002
        return gradient * self._mask


class _Elementwise(_Layer):
    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer

    def forward(self, hidden: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:  # noqa: ARG002
        by_hand = noise is None or type(self.layer) in _BY_OUTPUTS
        with torch.set_grad_enabled(not by_hand):
            inputs = hidden if by_hand else hidden.detach().requires_grad_()
            outputs: Tensor = self.layer(inputs)
        if noise is not None:
            self._inputs, self._outputs = inputs, outputs
        return outputs.detach()

    def backward(self, gradient: Tensor, *, is_first: bool) -> Tensor:  # noqa: ARG002
        if (rule := _BY_OUTPUTS.get(type(self.layer))) is not None:
            return rule(gradient, self._outputs)
        of_inputs: Tensor = torch.autograd.grad(self._outputs, self._inputs, gradient)[0]
        return of_inputs


# Gradients of a layer's inputs by those of its outputs and the outputs themselves; autograd is asked for the others'.
# It takes some 60 µs for each question, ten times what these take for 16 members.
_BY_OUTPUTS: dict[type[nn.Module], Callable[[Tensor, Tensor], Tensor]] = {
    # A sixth of the time of a comparison: outputs are never below 0.
    nn.ReLU: lambda gradient, outputs: outputs.sign().mul_(gradient),
    nn.Tanh: lambda gradient, outputs: gradient * (1 - outputs * outputs),
    nn.Sigmoid: lambda gradient, outputs: gradient * outputs * (1 - outputs),
}
