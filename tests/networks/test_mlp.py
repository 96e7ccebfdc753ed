import pytest
import torch
from torch import nn

from perceptron.networks import ACTIVATIONS, MLP


def test_layers_are_those_asked_for() -> None:
    network = MLP(n_features=64, n_outputs=10, hidden=(100, 100))
    assert [type(layer) for layer in network] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]
    assert sum(parameter.numel() for parameter in network.parameters()) == 64 * 100 + 100 + 100 * 100 + 100 + 1010


def test_without_hidden_layers_it_is_linear() -> None:
    assert [type(layer) for layer in MLP(n_features=3, n_outputs=1)] == [nn.Linear]


def test_dropout_stands_behind_each_hidden_activation() -> None:
    network = MLP(n_features=3, n_outputs=1, hidden=(4, 5), dropout=0.25)
    assert [layer.p for layer in network if isinstance(layer, nn.Dropout)] == [0.25, 0.25]


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_gives_the_outputs_shape(activation: str) -> None:
    network = MLP(n_features=3, n_outputs=2, hidden=(4,), activation=activation)
    assert network(torch.zeros(5, 3)).shape == (5, 2)


def test_default_hidden_layers_are_not_shared_between_networks() -> None:
    # The notebook's mutable default list grows with every network that is made.
    first = MLP(n_features=3, n_outputs=1)
    assert len(MLP(n_features=3, n_outputs=1)) == len(first) == 1
