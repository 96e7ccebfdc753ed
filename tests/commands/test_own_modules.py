"""Your own modules in the working folder, with every command."""

import sys
from pathlib import Path

import pytest
from tests.conftest import Perceptron

OWN = """
from torch import nn

class Wide(nn.Sequential):
    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__(nn.Linear(n_features, n_outputs))
"""


def test_every_command_finds_them(perceptron: Perceptron, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", before := list(sys.meta_path))
    (tmp_path / "found_here.py").write_text(OWN, encoding="utf-8")
    target = "model.network._target_=found_here.Wide"
    answer = perceptron(
        "train", "data=wine", "model=softmax", target, "trainer.max_epochs=1", "logger=none", "figures=none",
        "hydra.run.dir=run",
    )  # fmt: skip
    assert answer.status == 0, answer.err
    for command in (("evaluate",), ("export", "format=torch"), ("resume", "trainer.max_epochs=2")):
        sys.modules.pop("found_here", None)
        sys.meta_path = list(before)
        assert perceptron(*command, "run=run").status == 2
        assert "found_here" not in sys.modules
        answer = perceptron(*command, "run=run", "trust=[found_here.Wide]")
        assert answer.status == 0, answer.err
