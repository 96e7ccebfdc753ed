"""Linear layers, embeddings of categories, activations and dropout of many networks, with hand-written gradients."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from perceptron.networks import ACTIVATIONS, MLP, CategoryEmbeddings
from perceptron.population.dropout_noise import Noise
from perceptron.population.stacked_network import StackedNetwork, gradients

_ELEMENTWISE: tuple[type[nn.Module], ...] = (nn.Identity, *ACTIVATIONS.values())


class StackedLayers(StackedNetwork):
    """Linear layers, embeddings of categories, activations and dropout, as batched matrix products.

    The rows of a batch are the last dimension: then weights and gradients have the memory layout of torch's own layers,
    and no product has the few outputs of a last layer as its inner loop, which takes five times as long (measured).
    Gradients are computed by hand, into the same memory in every step: with autograd a step takes 1.3 times as long
    (measured).

    Args:
        networks: for which ``is_layers`` holds.
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
            elif isinstance(layer, CategoryEmbeddings):
                tables = [stacks[f"{i}.embeddings.{number}.weight"] for number in range(len(layer.places))]
                self.layers.append(_Embeddings(tables, layer.places))
            elif isinstance(layer, nn.Dropout):
                self.layers.append(_Dropout(n_dropouts))
                n_dropouts += 1
            else:
                # The outputs of a linear layer belong to it, and no gradient needs them.
                overwrites = bool(self.layers) and isinstance(self.layers[-1], _Linear)
                self.layers.append(_Elementwise(layer, overwrites=overwrites))

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
        first = next(i for i, layer in enumerate(self.layers) if isinstance(layer, _Linear | _Embeddings))
        gradient = gradient.transpose(1, 2)
        for layer in reversed(self.layers[first:]):
            gradient = layer.backward(gradient, is_first=layer is self.layers[first])


def is_layers(network: nn.Module) -> bool:
    """Whether ``StackedLayers`` computes such networks: a plain sequence of layers that it knows."""
    if type(network) not in (MLP, nn.Sequential):
        return False
    layers = list(network.children())
    return any(type(layer) is nn.Linear for layer in layers) and all(map(_is_known, layers))


def _is_known(layer: nn.Module) -> bool:
    if type(layer) is nn.Linear:
        return layer.bias is not None
    return type(layer) in (nn.Dropout, CategoryEmbeddings) or type(layer) in _ELEMENTWISE


class _Layer(ABC):
    """A layer of every member; inputs and outputs are ``(m, width, batch)``. Abstract."""

    @abstractmethod
    def forward(self, hidden: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        """The outputs; with noise, that is in training, whatever ``backward`` needs is kept."""

    @abstractmethod
    def backward(self, gradient: Tensor, *, is_first: bool) -> Tensor:
        """The gradient of the inputs, given that of the outputs; unused for the first layer with parameters."""


class _Linear(_Layer):
    def __init__(self, weight: nn.Parameter, bias: nn.Parameter) -> None:
        self.stacks = (weight, bias)
        self._of_outputs, self._of_gradient = _Memory(), _Memory()

    def forward(self, hidden: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        weight, bias = self.stacks if members is None else (stack[members] for stack in self.stacks)
        kept = None
        if noise is not None:
            self._inputs, self._weight, self._members = hidden, weight, members
            kept = self._of_outputs.tensor(*weight.shape[:2], hidden.shape[2], like=weight)
        return torch.bmm(weight, hidden, out=kept).add_(bias.unsqueeze(2))

    def backward(self, gradient: Tensor, *, is_first: bool) -> Tensor:
        inputs = self._inputs.transpose(1, 2)
        of_weight, of_bias = map(gradients, self.stacks)
        if self._members is None:
            torch.bmm(gradient, inputs, out=of_weight)
            torch.sum(gradient, 2, out=of_bias)
        else:
            of_weight.index_copy_(0, self._members, torch.bmm(gradient, inputs))
            of_bias.index_copy_(0, self._members, gradient.sum(2))
        if is_first:
            return gradient
        kept = self._of_gradient.tensor(*self._inputs.shape, like=gradient)
        return torch.bmm(self._weight.transpose(1, 2), gradient, out=kept)


class _Embeddings(_Layer):
    """``CategoryEmbeddings``: rows of 0 and 1 times tables of vectors.

    Args:
        tables: ``(members, categories, width)`` of each column of categories.
        places: first and last (excluded) feature of each, ascending.
    """

    def __init__(self, tables: Sequence[nn.Parameter], places: Sequence[tuple[int, int]]) -> None:
        self.tables = list(tables)
        self.places = list(places)

    def forward(self, hidden: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        tables: list[Tensor] = [table if members is None else table[members] for table in self.tables]
        if noise is not None:
            self._inputs, self._chosen, self._members = hidden, tables, members
        parts, done = [], 0
        for (start, stop), table in zip(self.places, tables, strict=True):
            parts += [hidden[:, done:start], torch.bmm(table.transpose(1, 2), hidden[:, start:stop])]
            done = stop
        return torch.cat([*parts, hidden[:, done:]], dim=1)

    def backward(self, gradient: Tensor, *, is_first: bool) -> Tensor:
        parts, done, own = [], 0, 0
        for (start, stop), stack, table in zip(self.places, self.tables, self._chosen, strict=True):
            of_numbers = gradient[:, own : own + start - done]
            own += start - done
            of_vectors = gradient[:, own : own + table.shape[2]]
            own += table.shape[2]
            of_table = torch.bmm(self._inputs[:, start:stop], of_vectors.transpose(1, 2))
            if self._members is None:
                gradients(stack).copy_(of_table)
            else:
                gradients(stack).index_copy_(0, self._members, of_table)
            if not is_first:
                parts += [of_numbers, torch.bmm(table, of_vectors)]
            done = stop
        return gradient if is_first else torch.cat([*parts, gradient[:, own:]], dim=1)


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
    """An activation.

    Args:
        layer: of one network.
        overwrites: whether the outputs may overwrite the inputs.
    """

    def __init__(self, layer: nn.Module, *, overwrites: bool) -> None:
        self.layer = layer
        self.rule = _BY_OUTPUTS.get(type(layer))
        self.overwrites = overwrites

    def forward(self, hidden: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:  # noqa: ARG002
        if self.rule is not None:
            outputs = self.rule.of(hidden, out=hidden if self.overwrites else None)
            if noise is not None:
                self._outputs = outputs
            return outputs
        if noise is None:
            return cast(Tensor, self.layer(hidden))
        with torch.enable_grad():
            self._inputs = hidden.detach().requires_grad_()
            self._outputs = self.layer(self._inputs)
        return self._outputs.detach()

    def backward(self, gradient: Tensor, *, is_first: bool) -> Tensor:  # noqa: ARG002
        if self.rule is not None:
            return self.rule.backward(gradient, self._outputs)
        of_inputs: Tensor = torch.autograd.grad(self._outputs, self._inputs, gradient)[0]
        return of_inputs


class _Rule(NamedTuple):
    """An activation whose gradient follows from its outputs.

    Attributes:
        of: computes the outputs from the inputs, into ``out``.
        backward: computes the gradient of the inputs from that of the outputs and the outputs, which it may overwrite:
            the gradients of later layers are computed already.
    """

    of: Callable[..., Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]


# Other activations use autograd, which takes about 60 µs a call, ten times as long as these for 16 members.
_BY_OUTPUTS: dict[type[nn.Module], _Rule] = {
    # The sign takes a sixth of the time of a comparison: outputs are never below 0.
    nn.ReLU: _Rule(partial(torch.clamp_min, min=0), lambda gradient, outputs: outputs.sign_().mul_(gradient)),
    nn.Tanh: _Rule(torch.tanh, lambda gradient, outputs: gradient * (1 - outputs * outputs)),
    nn.Sigmoid: _Rule(torch.sigmoid, lambda gradient, outputs: gradient * outputs * (1 - outputs)),
}


class _Memory:
    """Memory for the results of a layer: the same in every step with as many members and rows."""

    def __init__(self) -> None:
        self._tensor: Tensor | None = None

    def tensor(self, *shape: int, like: Tensor) -> Tensor:
        """An uninitialised tensor of this shape, with the type and device of ``like``."""
        if self._tensor is None or self._tensor.shape != shape:
            self._tensor = like.new_empty(shape)
        return self._tensor
