from typing import Any

import optuna
import pytest

from perceptron.composition.sweeps.study import sampler_of_trial


def _drawn(own: int | None, *, seed: int, number: int = 0) -> float:
    settings: dict[str, Any] = {"sampler": {"_target_": "optuna.samplers.TPESampler"}}
    if own is not None:
        settings["sampler"]["seed"] = own
    study = optuna.create_study(sampler=sampler_of_trial(settings, seed=seed, number=number))
    value: float = study.ask().suggest_float("rate", 0, 1)
    return value


def test_a_samplers_own_seed_goes_before_the_runs() -> None:
    assert _drawn(1, seed=0) != _drawn(2, seed=0)
    assert _drawn(1, seed=0) == _drawn(1, seed=5)
    assert _drawn(1, seed=0, number=0) != _drawn(1, seed=0, number=1)
    assert _drawn(None, seed=1) == _drawn(1, seed=0)
    assert _drawn(0, seed=3) == pytest.approx(_drawn(None, seed=0))
