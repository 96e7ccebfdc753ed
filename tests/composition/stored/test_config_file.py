"""A stored configuration is adjusted to where its folder lies now, and to this version's names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from perceptron.composition.stored.config_file import config_to_resume, trusted
from perceptron.errors import UsageError
from perceptron.runs.folder import Run


def test_names_of_earlier_versions_are_replaced() -> None:
    config = {"callbacks": {"last": {"_target_": "perceptron.runs.last.LastCheckpoint", "dirpath": "x"}}}
    last = trusted(config, where="x", trust=())["callbacks"]["last"]
    assert last == {"_target_": "perceptron.runs.checkpoints.LastCheckpoint", "dirpath": "x"}
    assert config["callbacks"]["last"]["_target_"] == "perceptron.runs.last.LastCheckpoint"
    with pytest.raises(UsageError, match="must not name code"):
        trusted({"_target_": "perceptron.runs.first.FirstCheckpoint"}, where="x", trust=())


def test_paths_follow_a_moved_folder(tmp_path: Path, composed: Callable[..., tuple[Any, dict[str, str]]]) -> None:
    from omegaconf import OmegaConf

    cfg, _ = composed("data=table", "data.path=x.csv", "data.target=y", "model=softmax", "logger=csv")
    config: Any = OmegaConf.to_container(cfg, resolve=True)
    config["paths"]["output_dir"] = "/somewhere/else"
    config["callbacks"]["checkpoint"]["dirpath"] = "/somewhere/else/checkpoints"
    table = tmp_path / "elsewhere.csv"
    table.touch()
    config["data"]["path"] = str(table)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    found = config_to_resume(Run(tmp_path), overrides=["logger=none"])
    assert found.callbacks.checkpoint.dirpath == str(tmp_path.resolve() / "checkpoints")
    assert found.paths.output_dir == str(tmp_path.resolve())
    assert found.data.path == str(table)
