"""The draws of an epoch depend on the seed and the epoch alone."""

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from perceptron.callbacks import EpochSeeds


def _draws(seeds: EpochSeeds, hook: str, epoch: int) -> tuple[Any, ...]:
    trainer: Any = SimpleNamespace(current_epoch=epoch, global_rank=0)
    getattr(seeds, hook)(trainer, None)
    return random.random(), np.random.random(), torch.rand(()).item()  # noqa: NPY002, S311


def test_a_fit_that_starts_with_an_epoch_draws_what_another_draws_in_it() -> None:
    in_turn = _draws(EpochSeeds(seed=3), "on_train_epoch_start", 2)
    at_first = _draws(EpochSeeds(seed=3, first_epoch=2), "on_fit_start", 2)
    assert in_turn == at_first
    assert in_turn != _draws(EpochSeeds(seed=3), "on_train_epoch_start", 1)
    assert in_turn != _draws(EpochSeeds(seed=4), "on_train_epoch_start", 2)


def test_the_first_epoch_goes_on_from_where_its_loader_has_drawn() -> None:
    seeds = EpochSeeds(seed=3)
    before = _draws(seeds, "on_fit_start", 0)
    after = _draws(seeds, "on_train_epoch_start", 0)
    assert before != after
