"""Commands typed in somebody else's folder: what it stores is read the same there as from anywhere else."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tests.conftest import Perceptron

from perceptron.composition.sweeps.resume import resumed_arguments
from perceptron.errors import UsageError
from perceptron.files.containment import is_inside

SETTINGS = ("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none", "figures=none")
ELSEWHERE = ("~/mine", "file:///{outside}", "ftp://127.0.0.1:1/mine")


@pytest.fixture
def run(trained: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An unfinished run, in whose folder one stands."""
    folder = tmp_path / "run"
    shutil.copytree(trained(*SETTINGS), folder)
    (folder / "metrics.json").unlink()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


@pytest.mark.parametrize("text", ELSEWHERE)
@pytest.mark.parametrize(
    "setting", ["callbacks.checkpoint.dirpath", "callbacks.last.dirpath", "trainer.default_root_dir"]
)
def test_a_home_folder_and_an_address_lie_outside(
    perceptron: Perceptron, run: Path, tmp_path: Path, setting: str, text: str
) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    *path, last = setting.split(".")
    part: Any = config
    for key in path:
        part = part[key]
    part[last] = text.format(outside=tmp_path / "mine")
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    answer = perceptron("resume", "run=.", "trainer.max_epochs=3")
    assert answer.status == 2, answer.err
    assert f"must write into its own folder {run}, got {setting}=" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("text", ELSEWHERE)
def test_a_best_checkpoint_is_at_no_address(
    perceptron: Perceptron, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(run / "checkpoints")
    path = f"{text.format(outside=tmp_path / 'mine')}/best.ckpt"
    for file in (run / "checkpoints").glob("*.ckpt"):
        contents = torch.load(file, weights_only=True)
        for name, state in contents["callbacks"].items():
            if name.startswith("ModelCheckpoint"):
                state.update(best_k_models={path: torch.tensor(1e9)}, kth_best_model_path=path)
        torch.save(contents, file)
    answer = perceptron("resume", f"run={run}", "trainer.max_epochs=3")
    assert answer.status == 2, answer.err
    assert f"must name its best checkpoints in the run's own folder, got {path}" in answer.err


def test_only_a_text_starts_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not is_inside("~/file", tmp_path)
    assert not is_inside("http://host/file", tmp_path)
    assert is_inside(tmp_path / "~" / "file", tmp_path)
    assert is_inside("checkpoints", tmp_path)


@pytest.mark.parametrize("name", ["0", "0/checkpoints", "0/train.log", "summary.md"])
def test_a_resumed_sweep_writes_through_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    sweep, outside = tmp_path / "sweep", tmp_path / "mine"
    (sweep / name).parent.mkdir(parents=True)
    (sweep / name).symlink_to(outside)
    monkeypatch.chdir(sweep)
    for named in (".", str(sweep)):
        with pytest.raises(UsageError, match="must not hold links that lead out of it"):
            resumed_arguments([f"sweep.resume={named}"])
    assert not outside.exists()
