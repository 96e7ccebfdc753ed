"""Many networks of one architecture computed at once: the one seam between a network and its stack."""

from abc import abstractmethod
from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from perceptron.networks import ACTIVATIONS, MLP, TabM
from perceptron.population.noise import Noise

_ELEMENTWISE: tuple[type[nn.Module], ...] = (nn.Identity, *ACTIVATIONS.values())


class CannotStackError(Exception):
    """Why models cannot be trained side by side; they are trained one by one then."""


class StackedNetwork(nn.Module):
    """Networks side by side, every parameter and buffer with a leading dimension of members. Abstract.

    Args:
        networks: of one architecture, each with its own weights.

    Attributes:
        names: name of each stacked parameter within one network.
        stacked: ``(members, ...)`` parameters in the same order.
        kept: ``(members, ...)`` buffers by name.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        parameters, buffers = stack_module_state(list(networks))
        self.names = tuple(parameters)
        self.stacked = nn.ParameterList(nn.Parameter(stack.detach()) for stack in parameters.values())
        self.kept = {name: stack.detach() for name, stack in buffers.items()}

    @abstractmethod
    def forward(self, features: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        """Outputs ``(m, batch, n_outputs)`` of standardised features ``(m, batch, n_features)``.

        Args:
            features: a batch for each member that takes part.
            members: ``(m,)`` int64 positions in the stack of those that take part; None for all.
            noise: draws of dropout in training; None in evaluation.
        """

    @property
    def state(self) -> dict[str, Tensor]:
        """Parameters and buffers ``(members, ...)`` by their names within one network; not copied."""
        return dict(zip(self.names, (stack.data for stack in self.stacked), strict=True)) | self.kept

    def keep(self, members: Tensor) -> None:
        """Let the others go: positions ``(m,)`` int64 of those that stay, in their new order."""
        for stack in self.stacked:
            stack.data = stack.data[members]
            stack.grad = None
        self.kept = {name: stack[members] for name, stack in self.kept.items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take another state, for any number of members."""
        for name, stack in zip(self.names, self.stacked, strict=True):
            stack.data = state[name]
            stack.grad = None
        self.kept = {name: state[name] for name in self.kept}


class StackedLayers(StackedNetwork):
    """Linear layers and what stands between them, as batched matrix products.

    A third to a half of ``VmappedNetwork``'s time for small layers (see benchmarks/population.py). A batch's rows are
    the last dimension: then weights and gradients both lie in memory as torch's own do, and no product has the few
    outputs of a last layer as its inner loop, which takes five times as long (measured).
    """

    def __init__(self, networks: Sequence[nn.Sequential]) -> None:
        super().__init__(networks)
        # In a plain list, so that the first network's parameters are not this module's.
        self.layers = [(str(i), layer) for i, layer in enumerate(networks[0])]
        self.position = {name: i for i, name in enumerate(self.names)}

    def forward(self, features: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        """See ``StackedNetwork``."""
        hidden = features.transpose(1, 2)
        n_dropouts = 0
        for name, layer in self.layers:
            if isinstance(layer, nn.Linear):
                weight, bias = self._of(f"{name}.weight", members), self._of(f"{name}.bias", members)
                hidden = torch.baddbmm(bias.unsqueeze(2), weight, hidden)
            elif isinstance(layer, nn.Dropout):
                if noise is not None:
                    hidden = hidden * noise.mask(hidden.transpose(1, 2), n_dropouts, members).transpose(1, 2)
                n_dropouts += 1
            else:
                hidden = layer(hidden)
        return hidden.transpose(1, 2)

    def _of(self, name: str, members: Tensor | None) -> Tensor:
        stack: Tensor = self.stacked[self.position[name]]
        return stack if members is None else stack[members]


class VmappedNetwork(StackedNetwork):
    """Any network that ``torch.func.vmap`` can take."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__(networks)
        # In a list, so that its parameters are not this module's.
        self._template = [deepcopy(networks[0])]

    def forward(self, features: Tensor, members: Tensor | None, noise: Noise | None) -> Tensor:
        """See ``StackedNetwork``."""
        template = self._template[0].train(noise is not None)
        parameters: dict[str, Tensor] = dict(zip(self.names, self.stacked, strict=True))
        buffers = self.kept
        if members is not None:
            parameters = {name: stack[members] for name, stack in parameters.items()}
            buffers = {name: stack[members] for name, stack in buffers.items()}

        def one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], features: Tensor) -> Tensor:
            outputs: Tensor = functional_call(template, (parameters, buffers), (features,))
            return outputs

        outputs: Tensor = vmap(one)(parameters, buffers, features)
        if members is not None and noise is not None:
            for name, stack in buffers.items():
                self.kept[name].index_copy_(0, members, stack)
        return outputs


def stack_networks(networks: Sequence[nn.Module]) -> StackedNetwork:
    """The fastest stack that these networks allow.

    Raises:
        CannotStackError: where none gives what each network alone gives.
    """
    first = networks[0]
    if len(list(first.named_parameters(remove_duplicate=False))) != len(list(first.parameters())):
        raise CannotStackError("its network uses a parameter twice")
    if not all(parameter.requires_grad for parameter in first.parameters()):
        raise CannotStackError("its network has parameters that are not trained")
    if isinstance(first, TabM) and first.fits_bins:
        raise CannotStackError("its network has bins by its own training rows")
    if type(first) in (MLP, nn.Sequential) and all(_is_known(layer) for layer in first.children()):
        return StackedLayers([network for network in networks if isinstance(network, nn.Sequential)])
    return VmappedNetwork(networks)


def check_stack(network: nn.Module, features: Tensor) -> None:
    """Try a stack of two copies of a network on a few rows ``(batch, n_features)``, forward and backward.

    Raises:
        CannotStackError: where it fails, or gives other outputs than the network.
    """
    copies = [deepcopy(network), deepcopy(network)]
    try:
        stack = stack_networks(copies)
        twice = torch.stack([features, features])
        if isinstance(stack, VmappedNetwork):
            stack(twice, None, Noise([0, 0], [[], []])).sum().backward()
            stack = stack_networks(copies)
        with torch.no_grad():
            alone = copies[0].eval()(features)
            together = stack(twice, None, None)
    except CannotStackError:
        raise
    # A user's network may fail under vmap with any exception; it trains alone then.
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CannotStackError(f"torch.func.vmap refuses its network: {reason}") from error
    if not torch.allclose(together[1], alone, rtol=1e-3, atol=1e-4):
        raise CannotStackError("its network gives other outputs under torch.func.vmap than alone")


def _is_known(layer: nn.Module) -> bool:
    if type(layer) is nn.Linear:
        return layer.bias is not None
    return type(layer) is nn.Dropout or type(layer) in _ELEMENTWISE
