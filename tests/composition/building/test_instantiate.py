import pytest
import torch
from omegaconf import OmegaConf

from perceptron.composition.building.instantiate import Again, instance
from perceptron.errors import UsageError

NETWORK = {"_target_": "perceptron.networks.MLP", "hidden": [3]}


def test_what_is_made_again_is_what_hydra_makes() -> None:
    make = Again()
    for _ in range(3):
        torch.manual_seed(0)
        again = make(NETWORK, "model.network", n_features=2, n_outputs=1)
        torch.manual_seed(0)
        alone = instance(NETWORK, "model.network", n_features=2, n_outputs=1)
        for one, other in zip(again.parameters(), alone.parameters(), strict=True):
            assert torch.equal(one, other)
            assert one is not other


def test_other_settings_make_others() -> None:
    make = Again()
    sizes = [
        make(OmegaConf.create(NETWORK | {"hidden": [n]}), "n", n_features=2, n_outputs=1)[0].out_features
        for n in (3, 5, 3)
    ]
    assert sizes == [3, 5, 3]


def test_what_is_to_be_called_later_stays_so() -> None:
    make = Again()
    for lr in (0.1, 0.2, 0.1):
        optimizer = make({"_target_": "torch.optim.SGD", "_partial_": True, "lr": lr}, "optimizer")
        assert optimizer([torch.nn.Parameter(torch.zeros(1))]).param_groups[0]["lr"] == lr


def test_objects_within_are_each_ones_own() -> None:
    make = Again()
    part = {
        "_target_": "torch.nn.ModuleList",
        "modules": [{"_target_": "torch.nn.Linear", "in_features": 1, "out_features": 1}],
    }
    first, second = make(part, "n"), make(part, "n")
    assert first[0] is not second[0]


def test_a_mistake_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"^model.network must be what perceptron.networks.MLP takes, got: .*; change"):
        Again()(NETWORK | {"widht": 3}, "model.network", n_features=2, n_outputs=1)
