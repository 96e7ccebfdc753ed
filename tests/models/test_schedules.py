import math
from functools import partial

import pytest
import torch
from sklearn.datasets import load_iris

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
