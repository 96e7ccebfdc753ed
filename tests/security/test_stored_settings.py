"""Settings of another type in a stored configuration, such as no schema catches: a line in every command."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import Perceptron

SETTINGS = (
    "model=digits_mlp", "data=wine", "model.network.hidden=[4]", "optimizer=adam", "trainer.max_epochs=1",
    "trainer.accelerator=cpu", "logger=none", "figures=none",
)  # fmt: skip
WRONG: dict[str, Any] = {
    "model.network": "x",
    "optimizer.betas": [0.9, {"a": 1}],
}


@pytest.mark.parametrize("key", WRONG)
def test_a_setting_of_another_type(
    perceptron: Perceptron, trained: Callable[..., Path], tmp_path: Path, key: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained(*SETTINGS), folder)
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    *parents, last = key.split(".")
    node = config
    for parent in parents:
        node = node[parent]
    node[last] = WRONG[key]
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    answer = perceptron("evaluate", f"run={folder}")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
