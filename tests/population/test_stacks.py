"""Outputs and gradients of a stack, against each network by itself and torch's autograd."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from perceptron.networks import ACTIVATIONS, MLP, TabM
from perceptron.population import stack_networks
from perceptron.population.dropout_noise import Noise, dropout_rates
from perceptron.population.stacked_layers import StackedLayers
from perceptron.population.stacked_network import StackedNetwork
from perceptron.population.vmapped_network import VmappedNetwork


class Idle(nn.Module):
    """A network with a parameter that its outputs do not depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.idle = nn.Parameter(torch.ones(2))

    def forward(self, features: Tensor) -> Tensor:
        outputs: Tensor = self.layer(features)
        return outputs


NETWORKS = {
    **{name: lambda name=name: MLP(n_features=4, n_outputs=3, hidden=[6, 5], activation=name) for name in ACTIVATIONS},
    **{
        f"embeddings_{places}": lambda places=places: MLP(
            n_features=4, n_outputs=3, hidden=[5], categories="embedding", category_places=places, category_width=3
        )
        for places in ([(0, 2)], [(1, 4)], [(0, 2), (3, 4)])
    },
    "linear": lambda: MLP(n_features=4, n_outputs=3),
    "sequence": lambda: nn.Sequential(nn.Tanh(), nn.Linear(4, 5), nn.Identity(), nn.Linear(5, 3), nn.Sigmoid()),
    "tabm": lambda: TabM(n_features=4, n_outputs=3, width=5, blocks=1, members=2, dropout=0.0),
    "idle": Idle,
}


def expected(network: nn.Module, features: Tensor, direction: Tensor) -> tuple[Tensor, list[Tensor | None]]:
    alone = deepcopy(network)
    outputs = alone(features)
    outputs.backward(direction)
    return outputs.detach(), [parameter.grad for parameter in alone.parameters()]


def check(stack: StackedNetwork, networks: list[nn.Module], members: list[int] | None) -> None:
    taking_part = range(len(networks)) if members is None else members
    features = torch.randn(len(taking_part), 7, 4, dtype=torch.float64)
    positions = None if members is None else torch.tensor(members)
    outputs = stack(features, positions, Noise([0] * len(networks), [dropout_rates(network) for network in networks]))
    direction = torch.randn_like(outputs)
    stack.backward(direction)
    for i, number in enumerate(taking_part):
        alone, gradients = expected(networks[number], features[i], direction[i])
        torch.testing.assert_close(outputs[i], alone)
        for own, wanted in zip(stack.stacked, gradients, strict=True):
            if wanted is None:
                assert own.grad is None
            else:
                assert own.grad is not None
                torch.testing.assert_close(own.grad[number], wanted)


@pytest.mark.parametrize("kind", NETWORKS)
def test_outputs_and_gradients_are_those_of_each_network(kind: str) -> None:
    torch.manual_seed(0)
    networks = [NETWORKS[kind]().double() for _ in range(3)]  # type: ignore[no-untyped-call]
    stack = stack_networks(networks)
    assert isinstance(stack, VmappedNetwork if kind in ("tabm", "idle") else StackedLayers)
    check(stack, networks, None)
    # Again: gradients are those of the last step, not a sum.
    check(stack, networks, None)
    before = [None if own.grad is None else own.grad[1].clone() for own in stack.stacked]
    check(stack, networks, [2, 0])
    for own, was in zip(stack.stacked, before, strict=True):
        assert own.grad is None or torch.equal(own.grad[1], was)  # type: ignore[arg-type]


def test_dropout_is_followed_back() -> None:
    torch.manual_seed(0)
    networks = [MLP(n_features=4, n_outputs=3, hidden=[50], dropout=0.5) for _ in range(2)]
    stack = stack_networks(networks)
    noise = Noise([3, 4], [[0.5], [0.5]])
    noise.start_epoch(0, torch.device("cpu"))
    again = Noise([3, 4], [[0.5], [0.5]])
    again.start_epoch(0, torch.device("cpu"))
    features = torch.randn(2, 7, 4)
    outputs = stack(features, None, noise)
    stack.backward(torch.ones_like(outputs))
    masks = again.mask(torch.empty(2, 7, 50), 0, None)
    for member, network in enumerate(networks):
        network[2] = Times(masks[member])
        _, gradients = expected(network, features[member], torch.ones(7, 3))
        for own, wanted in zip(stack.stacked, gradients, strict=True):
            assert own.grad is not None
            torch.testing.assert_close(own.grad[member], wanted)
    assert 0 < (masks == 0).sum() < masks.numel()


class Times(nn.Module):
    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.mask = mask

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden * self.mask
