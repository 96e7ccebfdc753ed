"""Signals, a full disk, a vanished folder, a loss that is no number, two processes: one line, and nothing harmed."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from tests.conftest import Answer, Perceptron

from perceptron.composition import train as training
from perceptron.composition.building.trainer import build_trainer
from perceptron.errors import UsageError
from perceptron.files.writing import atomic_file
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.folder_lock import folder_lock

SETTINGS = ("model=softmax", "data=wine", "trainer.max_epochs=6", "trainer.accelerator=cpu", "logger=none")


class At(L.Callback):
    """Does something behind so many steps of training."""

    def __init__(self, step: int, action: Callable[[], object]) -> None:
        self.step = step
        self.action = action

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            self.action()


@pytest.fixture
def train(
    perceptron: Perceptron, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[Answer, Path]]]:
    def run(*settings: str, at: int = 0, action: Callable[[], object] = lambda: None) -> tuple[Answer, Path]:
        callback = At(at, action)
        monkeypatch.setattr(
            training, "build_trainer", lambda cfg, own, **more: build_trainer(cfg, [*own, callback], **more)
        )
        folder = tmp_path / "run"
        answer = perceptron("train", *SETTINGS, f"hydra.run.dir={folder}", *settings)
        monkeypatch.setattr(training, "build_trainer", build_trainer)
        return answer, folder

    return run  # type: ignore[return-value]


def _error(answer: Answer) -> list[str]:
    """Lines on stderr, without what is logged of the data."""
    return [line for line in answer.err.splitlines() if not line.startswith("task: ")]


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = read_checkpoint(folder / "checkpoints" / "last.ckpt")["state_dict"]
    return weights


@pytest.mark.parametrize(
    "name", [pytest.param("SIGINT", marks=pytest.mark.slow), "SIGTERM", pytest.param("SIGUSR1", marks=pytest.mark.slow)]
)
def test_a_signal_saves_and_says_how_to_go_on(
    train: Callable[..., tuple[Answer, Path]],
    perceptron: Perceptron,
    trained: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    number = getattr(signal, name)
    # SIGUSR1 is what SLURM sends before the time is up.
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    answer, folder = train(at=7, action=lambda: signal.raise_signal(number))
    monkeypatch.delenv("SLURM_JOB_ID")
    assert answer.status == 128 + number
    (line,) = _error(answer)
    assert line == f"interrupted by {name}; saved after step 7; continue with perceptron resume run={folder}"
    assert not (folder / "metrics.json").exists()
    assert perceptron("resume", f"run={folder}").status == 0
    undisturbed = trained(*SETTINGS)
    assert all(torch.equal(value, _weights(folder)[key]) for key, value in _weights(undisturbed).items())
    assert (folder / "metrics.json").read_bytes() == (undisturbed / "metrics.json").read_bytes()


def test_a_second_signal_ends_at_once(train: Callable[..., tuple[Answer, Path]]) -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)

    answer, folder = train(at=2, action=twice)
    assert answer.status == 143
    assert len(_error(answer)) == 1
    assert not (folder / "checkpoints" / "last.ckpt").exists()


def test_a_signal_ends_a_multirun(perceptron: Perceptron, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    callback = At(3, lambda: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(
        training, "build_trainer", lambda cfg, own, **more: build_trainer(cfg, [*own, callback], **more)
    )
    answer = perceptron("train", "-m", *SETTINGS, "seed=1,2", f"hydra.sweep.dir={tmp_path / 'sweep'}")
    assert answer.status == 130
    assert not (tmp_path / "sweep" / "1").exists()


@pytest.mark.parametrize("every", ["0", "1000"])
def test_a_loss_that_is_no_number(
    train: Callable[..., tuple[Answer, Path]], monkeypatch: pytest.MonkeyPatch, every: str
) -> None:
    from perceptron.models import TaskModule

    step = TaskModule.training_step

    def poisoned(self: TaskModule, batch: Any, batch_idx: int) -> torch.Tensor:
        loss = step(self, batch, batch_idx)
        if self.current_epoch == 2:
            self._sums.add(torch.tensor(torch.nan), torch.zeros(1, 3), torch.zeros(1, dtype=torch.int64))
        return loss

    monkeypatch.setattr(TaskModule, "training_step", poisoned)
    answer, folder = train(f"callbacks.last.every_seconds={every}")
    assert answer.status == 2
    assert len(_error(answer)) == 1
    assert "the loss must stay finite, got nan in epoch 2; lower optimizer.lr=0.05" in answer.err
    assert f"the last good checkpoint is {folder / 'checkpoints' / 'best.ckpt'}" in answer.err
    for path in (folder / "checkpoints").glob("*.ckpt"):
        contents = read_checkpoint(path)
        assert contents["global_step"] <= 8
        assert all(torch.isfinite(value).all() for value in contents["state_dict"].values())


def test_a_rate_that_makes_it_diverge(train: Callable[..., tuple[Answer, Path]]) -> None:
    answer, _ = train("data=diabetes", "model=linear", "optimizer.lr=1e38")
    assert answer.status == 2
    assert "lower optimizer.lr=1e+38" in answer.err


def test_a_full_disk(train: Callable[..., tuple[Answer, Path]], monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    answer, folder = train("callbacks.last.every_seconds=0", at=6, action=lambda: monkeypatch.setattr("os.fsync", full))
    monkeypatch.setattr("os.fsync", sync)
    assert answer.status == 1
    assert len(_error(answer)) == 1
    assert "No space left on device" in answer.err
    assert f"perceptron resume run={folder}" in answer.err
    assert read_checkpoint(folder / "checkpoints" / "last.ckpt")["global_step"] == 5
    assert not list(folder.rglob(".*.tmp"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows removes no folder in which a file is open")
def test_a_vanished_folder(train: Callable[..., tuple[Answer, Path]], tmp_path: Path) -> None:
    answer, folder = train("callbacks.last=null", at=6, action=lambda: shutil.rmtree(tmp_path / "run"))
    # The checkpoint makes its folder again; what is written beside it fails.
    assert answer.status in (0, 2)
    assert answer.status == 0 or answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert folder.parent.is_dir()


def test_a_log_folder_that_is_a_file(perceptron: Perceptron, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("precious", encoding="utf-8")
    answer = perceptron("train", *SETTINGS, f"paths.log_dir={tmp_path / 'logs'}")
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert (tmp_path / "logs").read_text(encoding="utf-8") == "precious"


def test_two_processes_in_one_folder(perceptron: Perceptron, tmp_path: Path, trained: Callable[..., Path]) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained(*SETTINGS), folder)
    (folder / "metrics.json").unlink()
    code = (
        "import sys, pathlib\n"
        "from perceptron.runs.folder_lock import folder_lock\n"
        f"with folder_lock(pathlib.Path({str(folder)!r})):\n"
        "    print('in', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"in\n"
    answer = perceptron("resume", f"run={folder}")
    assert answer.status == 2
    assert "one process at a time" in answer.err
    assert answer.err.count("\n") == 1
    # However it ends, the lock goes with it.
    other.kill()
    other.communicate()
    assert perceptron("resume", f"run={folder}").status == 0


def test_the_lock_is_taken_back(tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        assert (tmp_path / ".lock").exists()
    assert not list(tmp_path.iterdir())
    with pytest.raises(UsageError, match="must be writable"), folder_lock(tmp_path / "nowhere"):
        pass


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")

    def interrupted() -> None:
        with atomic_file(path) as file:
            file.write(b"half of the ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [(file.name, file.read_text(encoding="utf-8")) for file in tmp_path.iterdir()] == [("file", "old")]
    with atomic_file(path) as file:
        file.write(b"new")
        assert path.read_text(encoding="utf-8") == "old"
    assert [(file.name, file.read_text(encoding="utf-8")) for file in tmp_path.iterdir()] == [("file", "new")]
