"""Many networks of any one kind at once, by ``torch.func.vmap``."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from perceptron.population.dropout_noise import Noise
from perceptron.population.stacked_network import StackedNetwork, gradients


class VmappedNetwork(StackedNetwork):
    """Networks that ``torch.func.vmap`` supports.

    ``nn.Dropout`` draws from one generator for all networks there. In its place stands a product with a mask that is
    drawn before, from each member's own stream.

    Args:
        networks: of one architecture; their layers of dropout are called once each, in the order of the modules.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__(networks)
        template = deepcopy(networks[0])
        self._masks = [name for name, layer in template.named_modules() if type(layer) is nn.Dropout]
        for name in self._masks:
            parent, _, own = name.rpartition(".")
            setattr(template.get_submodule(parent), own, _Masked())
        # In a list, so that its parameters are not parameters of this module.
        self._template = [template]
        # Shapes of a member's masks, by that of its features.
        self._shapes: dict[torch.Size, list[torch.Size]] = {}

    def forward(self, features: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        """See ``StackedNetwork``."""
        template = self._template[0].train(noise is not None)
        chosen = [stack if members is None else stack.detach()[members].requires_grad_() for stack in self.stacked]
        buffers = self.stacked_buffers
        if members is not None:
            buffers = {name: stack[members] for name, stack in buffers.items()}
        masks = {} if noise is None else self._drawn(noise, features, members)

        def one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], features: Tensor) -> Tensor:
            outputs: Tensor = functional_call(template, (parameters, buffers), (features,))
            return outputs

        outputs: Tensor = vmap(one)(dict(zip(self.names, chosen, strict=True)), buffers | masks, features)
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

    def _drawn(self, noise: Noise, features: Tensor, members: Tensor | None) -> dict[str, Tensor]:
        """The masks of a step by the names of the template's buffers."""
        shapes = self._shapes.setdefault(features.shape[1:], []) if self._masks else []
        if self._masks and not shapes:
            shapes += self._shapes_for(features[0])
        masks = [features.new_empty(len(features), *shape) for shape in shapes]
        return {
            f"{name}.mask": noise.mask(mask, layer, members)
            for layer, (name, mask) in enumerate(zip(self._masks, masks, strict=True))
        }

    @torch.no_grad()
    def _shapes_for(self, features: Tensor) -> list[torch.Size]:
        """Shapes of the inputs of each layer of dropout, for the features ``(batch, n_features)`` of one member."""
        template = deepcopy(self._template[0]).eval()
        found: list[tuple[str, torch.Size]] = []
        for name in self._masks:
            template.get_submodule(name).register_forward_pre_hook(
                lambda _, inputs, name=name: found.append((name, inputs[0].shape))
            )
        one = {name: stack[0] for name, stack in zip(self.names, self.stacked, strict=True)}
        functional_call(template, (one, {name: stack[0] for name, stack in self.stacked_buffers.items()}), (features,))
        if [name for name, _ in found] != self._masks:
            raise RuntimeError("its layers of dropout are not called once each, in their order")
        return [shape for _, shape in found]


class _Masked(nn.Module):
    """The place of a layer of dropout: in training a product with a mask."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.ones(()), persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden * self.mask if self.training else hidden
