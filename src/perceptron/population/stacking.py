"""Choosing the kind of stack for a network, and checking its outputs."""

from collections.abc import Hashable, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from perceptron.errors import reason
from perceptron.networks import CategoryEmbeddings
from perceptron.population.dropout_noise import Noise, dropout_rates
from perceptron.population.member import Member
from perceptron.population.padding import is_padded
from perceptron.population.stacked_layers import StackedLayers, is_layers
from perceptron.population.stacked_network import StackedNetwork
from perceptron.population.vmapped_network import VmappedNetwork
from perceptron.randomness import Stream, derive_seed


class CannotStackError(Exception):
    """Models cannot be trained side by side, and are trained one by one; the text says why."""


def stack_networks(networks: Sequence[nn.Module]) -> StackedNetwork:
    """The fastest stack for these networks.

    Raises:
        CannotStackError: if no stack gives the outputs of each network alone.
    """
    first = networks[0]
    if len(list(first.named_parameters(remove_duplicate=False))) != len(list(first.parameters())):
        raise CannotStackError("its network uses a parameter twice")
    if not all(parameter.requires_grad for parameter in first.parameters()):
        raise CannotStackError("its network has parameters that are not trained")
    if is_layers(first):
        return StackedLayers([network for network in networks if isinstance(network, nn.Sequential)])
    return VmappedNetwork(networks)


def alike(members: Sequence[Member]) -> list[list[Member]]:
    """The members whose networks can form a stack, in their order.

    Columns of any kind are encoded by the training rows of each split, so that networks may take other numbers of
    features, for which a plain sequence of layers is padded, or other features that are one column of categories.
    """
    found: dict[Hashable, list[Member]] = {}
    for member in members:
        found.setdefault(_architecture(member), []).append(member)
    return list(found.values())


def _architecture(member: Member) -> Hashable:
    network, encoding = member.model.network, member.datamodule.schema.encoding
    shapes = tuple((name, value.shape) for name, value in [*network.named_parameters(), *network.named_buffers()])
    embeds = any(isinstance(layer, CategoryEmbeddings) for layer in network.modules())
    if is_layers(network) and not embeds:
        return tuple((name, shape[:1] if is_padded(name, network) else shape) for name, shape in shapes)
    if not encoding:
        return shapes
    # Here, because it imports pandas.
    from perceptron.data.columns.encoding import category_places, flags, from_texts

    codes = from_texts(encoding)
    return shapes, category_places(codes), flags(codes)


def check_stack(network: nn.Module, features: Tensor) -> None:
    """Try a stack of two copies of a network on a few rows ``(batch, n_features)``, forward and backward.

    Raises:
        CannotStackError: if it fails, or gives other outputs than the network.
    """
    copies = [deepcopy(network), deepcopy(network)]
    try:
        stack = stack_networks(copies)
        twice = torch.stack([features, features])
        if isinstance(stack, VmappedNetwork):
            _check_training(stack, copies[0], twice)
            stack = stack_networks(copies)
        with torch.no_grad():
            alone = copies[0].eval()(features)
            together = stack(twice, None, None)
    except CannotStackError:
        raise
    # A user's network may raise any exception under vmap.
    except Exception as error:
        raise CannotStackError(f"torch.func.vmap refuses its network: {reason(error, lines=1)}") from error
    if not torch.allclose(together[1], alone, rtol=1e-3, atol=1e-4):
        raise CannotStackError("its network gives other outputs under torch.func.vmap than alone")


def _check_training(stack: VmappedNetwork, network: nn.Module, twice: Tensor) -> None:
    """Try a step of two networks; the stack's state changes.

    Raises:
        CannotStackError: if their dropout draws otherwise than a network alone.
    """
    noise = Noise([0, 0], [dropout_rates(network)] * 2)
    noise.start_epoch(0, twice.device)
    together = stack(twice, None, noise)
    stack.backward(torch.ones_like(together))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(0, Stream.NOISE, 0, 0))
        alone = deepcopy(network).train()(twice[0])
    if not torch.allclose(together[1], alone, rtol=1e-3, atol=1e-4):
        raise CannotStackError("its network draws its dropout otherwise side by side than alone")
