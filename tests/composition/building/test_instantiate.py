import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from perceptron.composition.building.instantiate import instance
from perceptron.errors import UsageError

NETWORK = {"_target_": "perceptron.networks.MLP", "hidden": [3]}


def test_an_object_is_the_one_that_hydra_makes() -> None:
    for _ in range(3):
        torch.manual_seed(0)
        ours = instance(NETWORK, "model.network", n_features=2, n_outputs=1)
        torch.manual_seed(0)
        of_hydra = instantiate(NETWORK, n_features=2, n_outputs=1)
        for one, other in zip(ours.parameters(), of_hydra.parameters(), strict=True):
            assert torch.equal(one, other)
            assert one is not other


def test_other_settings_make_other_objects() -> None:
    sizes = [
        instance(OmegaConf.create(NETWORK | {"hidden": [n]}), "n", n_features=2, n_outputs=1)[0].out_features
        for n in (3, 5, 3)
    ]
    assert sizes == [3, 5, 3]


def test_a_partial_is_called_later() -> None:
    for lr in (0.1, 0.2, 0.1):
        optimizer = instance({"_target_": "torch.optim.SGD", "_partial_": True, "lr": lr}, "optimizer")
        assert optimizer([torch.nn.Parameter(torch.zeros(1))]).param_groups[0]["lr"] == lr


@pytest.mark.parametrize("inner", [{}, {"bias": {"_target_": "builtins.bool"}}])
def test_a_caller_can_ask_for_a_partial(inner: dict[str, object]) -> None:
    make = instance({"_target_": "torch.nn.Linear", "in_features": 2, **inner}, "n", _partial_=True)
    assert make(out_features=3).out_features == 3


def test_nested_objects_are_made_anew() -> None:
    part = {
        "_target_": "torch.nn.ModuleList",
        "modules": [{"_target_": "torch.nn.Linear", "in_features": 1, "out_features": 1}],
    }
    first, second = instance(part, "n"), instance(part, "n")
    assert first[0] is not second[0]


def test_a_mistake_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"^model.network must be what perceptron.networks.MLP takes, got: .*; change"):
        instance(NETWORK | {"widht": 3}, "model.network", n_features=2, n_outputs=1)


@pytest.mark.parametrize("target", ["os.system", "builtins.eval", "nothing.at.all"])
def test_targets_that_hydra_refuses_are_refused(target: str) -> None:
    with pytest.raises(UsageError, match=rf"^callbacks.own must be what {target} takes, got: "):
        instance({"_target_": target}, "callbacks.own")
