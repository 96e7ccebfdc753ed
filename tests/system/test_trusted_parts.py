"""A network, a loss and a callback of one's own beside the command: trained, and read again with trust alone."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

MINE = """
import torch
import torch.nn.functional as F
from torch import nn

from perceptron.models import BinaryClassifier


class Wide(nn.Sequential):
    def __init__(self, n_features, n_outputs, width=64):
        super().__init__(nn.Linear(n_features, width), nn.GELU(), nn.Linear(width, n_outputs))


class Focal(BinaryClassifier):
    def __init__(self, *, gamma=2.0, **settings):
        super().__init__(**settings)
        self.gamma = gamma

    def row_losses(self, outputs, target):
        bce = F.binary_cross_entropy_with_logits(outputs.squeeze(-1), target.to(outputs.dtype), reduction="none")
        return (1 - torch.exp(-bce)) ** self.gamma * bce
"""
TYPED = [
    "model=binary_mlp", "model._target_=mine.Focal", "model.gamma=1", "model.network._target_=mine.Wide",
    "model.network.width=16", "callbacks.g._target_=lightning.pytorch.callbacks.GradientAccumulationScheduler",
    "callbacks.g.scheduling={0:2,1:4}", "trainer.max_epochs=2", "trainer.accelerator=cpu", "figures=none",
]  # fmt: skip
TRUST = "trust=[mine.Focal,mine.Wide]"


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("mine", None)


def test_a_run_of_ones_own_parts_is_read_again_from_the_working_folder(working_folder: Path, perceptron: Any) -> None:
    trained = perceptron("train", "hydra.run.dir=run", *TYPED)
    assert trained.status == 0, trained.err
    config = yaml.safe_load((working_folder / "run/config.yaml").read_text(encoding="utf-8"))
    assert config["model"] == {
        "_target_": "mine.Focal", "gamma": 1, "threshold": 0.5,
        "network": {"_target_": "mine.Wide", "width": 16},
    }  # fmt: skip
    assert config["callbacks"]["g"]["scheduling"] == {0: 2, 1: 4}
    refused = perceptron("evaluate", "run=run")
    assert refused.status == 2
    assert "trust=[mine." in refused.err
    assert perceptron("evaluate", "run=run", TRUST).status == 0
    wrong = perceptron("evaluate", "run=run", TRUST, "model.network.widht=3")
    assert wrong.err == "error: there is no setting model.network.widht; did you mean model.network.width?\n"
    assert perceptron("report", "run=run").status == 0
    (working_folder / "run/metrics.json").unlink()
    resumed = perceptron("resume", "run=run", "trainer.max_epochs=3", TRUST)
    assert resumed.status == 0, resumed.err
