import math
from functools import partial
from typing import Any

import pytest
import torch
from sklearn.datasets import load_iris
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau

from perceptron.data import TableDataModule
from perceptron.models import schedules

pytestmark = pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning")


def _rates(build, fit, schedule, *, epochs: int) -> list[float]:
    """Learning rate of each optimizer step."""
    rates = []

    class Recorded(torch.optim.SGD):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    datamodule = TableDataModule(dataset=load_iris, batch_size=49)
    model = build(datamodule, optimizer=partial(Recorded, lr=0.1), schedule=schedule)
    fit(model, datamodule, max_epochs=epochs)
    return rates


def test_cosine_falls_over_epochs_from_the_rate_to_the_least(build, fit) -> None:
    rates = _rates(build, fit, partial(schedules.cosine, min_lr=0.02), epochs=4)
    assert rates[::2] == rates[1::2]
    expected = [0.02 + 0.08 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)]
    assert rates[::2] == pytest.approx(expected)


def test_onecycle_rises_to_the_rate_and_falls_over_steps(build, fit) -> None:
    rates = _rates(build, fit, schedules.onecycle, epochs=10)
    assert len(rates) == 20
    assert rates[0] == pytest.approx(0.1 / 25)
    assert max(rates) == pytest.approx(0.1, rel=0.02)
    assert rates.index(max(rates)) == 5
    assert rates[-1] == pytest.approx(0.1 / 25 / 1e4)


def test_plateau_lowers_the_rate_when_nothing_gets_better(build, fit) -> None:
    schedule = partial(schedules.plateau, monitor="val/loss", mode="max", patience=0, factor=0.5)
    rates = _rates(build, fit, schedule, epochs=4)
    assert rates[::2] == pytest.approx([0.1, 0.1, 0.05, 0.025])


def _optimizer(*rates: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        [{"params": [torch.nn.Parameter(torch.ones(1))], "lr": rate} for rate in rates], momentum=0.9
    )


def _states(kind: Any, made: Any, *rates: float, **settings: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """State of a schedule and of torch's own with these settings."""
    other = kind(_optimizer(*rates), **settings)
    assert isinstance(made["scheduler"], kind)
    return made["scheduler"].state_dict(), other.state_dict()


@pytest.mark.parametrize(("max_epochs", "n"), [(7, 7), (-1, 1), (0, 1), (1, 1)])
def test_cosine_is_torchs_over_the_epochs(max_epochs: int, n: int) -> None:
    made = schedules.cosine(_optimizer(0.1), max_epochs=max_epochs, total_steps=99)
    one, other = _states(CosineAnnealingLR, made, 0.1, T_max=n, eta_min=0.0)
    assert one == other
    assert made["interval"] == "epoch"
    assert made.keys() == {"scheduler", "interval"}


@pytest.mark.parametrize("mode", ["min", "max"])
def test_plateau_is_torchs(mode: Any) -> None:
    settings: dict[str, Any] = {"factor": 0.3, "patience": 2, "min_lr": 0.01}
    made = schedules.plateau(_optimizer(0.1), max_epochs=3, total_steps=9, monitor="val/acc", mode=mode, **settings)
    one, other = _states(ReduceLROnPlateau, made, 0.1, mode=mode, **settings)
    assert one == other
    assert {name: value for name, value in made.items() if name != "scheduler"} == {
        "interval": "epoch",
        "monitor": "val/acc",
    }
    made = schedules.plateau(_optimizer(0.1), max_epochs=3, total_steps=9, monitor="val/acc", mode=mode)
    one, other = _states(ReduceLROnPlateau, made, 0.1, mode=mode, factor=0.5, patience=5, min_lr=0.0)
    assert one == other


@pytest.mark.parametrize(
    ("own", "of_torch"),
    [
        (
            {"warmup_fraction": 0.2, "start_divisor": 10.0, "final_divisor": 100.0, "cycle_momentum": True},
            {"pct_start": 0.2, "div_factor": 10.0, "final_div_factor": 100.0, "cycle_momentum": True},
        ),
        ({}, {"pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1e4, "cycle_momentum": False}),
    ],
)
def test_onecycle_is_torchs_with_a_peak_for_each_group(own: dict[str, Any], of_torch: dict[str, Any]) -> None:
    optimizer, reference = _optimizer(0.1, 0.2), _optimizer(0.1, 0.2)
    made = schedules.onecycle(optimizer, max_epochs=3, total_steps=50, **own)
    torchs = OneCycleLR(reference, max_lr=[0.1, 0.2], total_steps=50, **of_torch)
    assert {name: value for name, value in made.items() if name != "scheduler"} == {"interval": "step"}
    for _ in range(49):
        assert [(group["lr"], group["momentum"]) for group in optimizer.param_groups] == [
            (group["lr"], group["momentum"]) for group in reference.param_groups
        ]
        for each, scheduler in ((optimizer, made["scheduler"]), (reference, torchs)):
            each.step()
            scheduler.step()
