"""Folders of sweeps as Hydra leaves them, to be resumed."""

from pathlib import Path
from typing import Any

import yaml
from tests.conftest import Perceptron

SHORT = ("data=wine", "model=softmax", "trainer.max_epochs=1", "logger=none", "figures=none", "seed=1,2")


def store(
    folder: Path,
    task: tuple[Any, ...] = (),
    hydra: tuple[Any, ...] = (),
    config_name: str = "train",
    config_dir: Path | None = None,
) -> Path:
    """A sweep's folder as Hydra leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [] if config_dir is None else [{"path": str(config_dir), "provider": "command-line", "schema": "file"}]
    stored = {
        "overrides": {"task": [*SHORT, *task], "hydra": ["hydra.mode=MULTIRUN", *hydra]},
        "runtime": {"config_sources": [{"path": "conf", "provider": "main", "schema": "file"}, *sources]},
        "job": {"config_name": config_name},
    }
    (folder / "multirun.yaml").write_text(yaml.safe_dump({"hydra": stored}), encoding="utf-8")
    return folder


def refused(perceptron: Perceptron, sweep: Path, marker: Path, *typed: str) -> str:
    before = sorted(path for path in sweep.parent.rglob("*") if path.is_file())
    answer = perceptron("train", f"sweep.resume={sweep}", *typed)
    assert not marker.exists()
    assert answer.status == 2, answer.err
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert sorted(path for path in sweep.parent.rglob("*") if path.is_file()) == before
    return answer.err
