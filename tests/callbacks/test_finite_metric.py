"""A monitored metric that is no number ends a run."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from perceptron.callbacks import FiniteMetric
from perceptron.errors import DivergedError


def _trainer(value: float, **more: Any) -> Any:
    metrics = {"val_loss": torch.tensor(value)}
    return SimpleNamespace(callback_metrics=metrics, current_epoch=2, **{"sanity_checking": False} | more)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_epoch_without_a_number_ends_the_run(value: float) -> None:
    module: Any = None
    callback = FiniteMetric("val_loss")
    with pytest.raises(DivergedError):
        callback.on_train_epoch_end(_trainer(value), module)
    with pytest.raises(DivergedError):
        callback.on_validation_end(_trainer(value), module)
    callback.on_validation_end(_trainer(value, sanity_checking=True), module)
    FiniteMetric("val_acc").on_train_epoch_end(_trainer(value), module)
    callback.on_train_epoch_end(_trainer(0.5), module)
