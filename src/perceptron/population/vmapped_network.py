"""Many networks of any one kind at once, by ``torch.func.vmap``."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from perceptron.population.dropout_noise import Noise
from perceptron.population.stacked_network import StackedNetwork, gradients


class VmappedNetwork(StackedNetwork):
    """Networks that ``torch.func.vmap`` supports."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__(networks)
        # In a list, so that its parameters are not parameters of this module.
        self._template = [deepcopy(networks[0])]

    def forward(self, features: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        """See ``StackedNetwork``."""
        template = self._template[0].train(noise is not None)
        chosen = [stack if members is None else stack.detach()[members].requires_grad_() for stack in self.stacked]
        buffers = self.stacked_buffers
        if members is not None:
            buffers = {name: stack[members] for name, stack in buffers.items()}

        def one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], features: Tensor) -> Tensor:
            outputs: Tensor = functional_call(template, (parameters, buffers), (features,))
            return outputs

        outputs: Tensor = vmap(one)(dict(zip(self.names, chosen, strict=True)), buffers, features)
        if noise is None:
            return outputs
        if members is not None:
            for name, stack in buffers.items():
                self.stacked_buffers[name].index_copy_(0, members, stack)
        self._graph = (chosen, members, outputs)
        return outputs.detach()

    def backward(self, gradient: Tensor) -> None:
        """See ``StackedNetwork``."""
        chosen, members, outputs = self._graph
        del self._graph
        # None for a parameter that the outputs do not depend on.
        found = torch.autograd.grad(outputs, chosen, gradient, allow_unused=True)
        for stack, own in zip(self.stacked, found, strict=True):
            if own is not None and members is None:
                stack.grad = own
            elif own is not None:
                gradients(stack).index_copy_(0, members, own)
