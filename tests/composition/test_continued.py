"""Whether a run may continue from a checkpoint: by the settings that the checkpoint stores."""

from copy import deepcopy
from typing import Any

import pytest

from perceptron.composition.continued import check_continued
from perceptron.errors import UsageError
from perceptron.runs.checkpoints.metadata import KEY

STORED: dict[str, Any] = {
    "model": {"_target_": "mine.Smooth", "network": {"hidden": [8]}, "threshold": 0.5, "eps": 0.2},
    "optimizer": {"_target_": "torch.optim.SGD", "lr": 0.1},
    "scheduler": {"_target_": None},
    "trainer": {"max_epochs": 3, "max_steps": -1},
}


def _check(**changes: Any) -> None:
    config = deepcopy(STORED)
    for group, settings in changes.items():
        config[group] |= settings
    check_continued(config, {KEY: {"config": STORED}}, where="last.ckpt")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"trainer": {"max_epochs": 9}},
        {"model": {"threshold": 0.4}},
        {"model": {"network": {"hidden": [9]}}},
        # Another class is another experiment, which only starts from these weights.
        {"model": {"_target_": "mine.Other", "eps": 0.3}},
    ],
)
def test_what_may_change(changes: dict[str, Any]) -> None:
    _check(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"model": {"eps": 0.3}},
            r"model\.eps=0\.2 in last\.ckpt, got model\.eps=0\.3; set model\.eps=0\.2, or train anew",
        ),
        ({"model": {"gamma": 1}}, r"model\.gamma=its default in last\.ckpt, got model\.gamma=1; leave it out"),
        ({"optimizer": {"lr": 0.3}}, r"optimizer\.lr=0\.1 in last\.ckpt, got optimizer\.lr=0\.3"),
    ],
)
def test_what_the_checkpoint_would_override_or_compare_wrongly_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _check(**changes)
