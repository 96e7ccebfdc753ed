"""The logs of a run that goes on are those of a run that nobody disturbed."""

import csv
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning as L
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from perceptron.composition import train as training
from perceptron.composition.building.trainer import build_trainer
from perceptron.composition.stored.resuming import resume
from perceptron.errors import InterruptedRunError
from perceptron.runs.folder import Run

SHORT = ("data=iris", "model=softmax", "logger=many", "data.batch_size=49", "trainer.max_epochs=4")
SINGLE_STEPS = ("trainer.log_every_n_steps=1", "scheduler=plateau",
                "+callbacks.rate._target_=lightning.pytorch.callbacks.LearningRateMonitor")  # fmt: skip


class Killed(BaseException):
    """What no part of the program catches."""


class _Kill(L.Callback):
    """Ends training behind so many steps, at the end of a batch or of an epoch's training."""

    takes_groups = True

    def __init__(self, steps: int, *, at_end: bool) -> None:
        self.steps, self.at_end = steps, at_end

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if not self.at_end and trainer.global_step == self.steps:
            self.end()

    def on_train_epoch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if self.at_end and trainer.global_step == self.steps:
            self.end()

    def end(self) -> None:
        raise Killed


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "csv/metrics.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(one.step, one.value) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


@pytest.fixture(autouse=True)
def _file_numbers_of_one_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorBoard reads a folder's files by name: of files that are begun in the same second, number 10 before 9."""
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(1000))


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch, composed, tmp_path: Path) -> Iterator[Any]:
    def run(*settings: str, steps: int, at_end: bool) -> Path:
        with monkeypatch.context() as patch:
            kill = _Kill(steps, at_end=at_end)
            patch.setattr(training, "build_trainer", lambda cfg, own, **more: build_trainer(cfg, [*own, kill], **more))
            with pytest.raises(Killed):
                training.train(*composed(*SHORT, *settings, folder="killed"))
        return tmp_path / "killed"

    return run


# Two steps an epoch. The checkpoint is of an epoch's end, or of a step in its middle.
@pytest.mark.parametrize(
    ("settings", "every", "steps", "at_end"),
    [((), 1000, 6, True), (SINGLE_STEPS, 1000, 6, True), (SINGLE_STEPS, 0, 6, False)],
)
def test_a_killed_run_that_goes_on_has_logged_every_epoch_once(
    composed, killed, tmp_path: Path, settings: tuple[str, ...], every: int, steps: int, at_end: bool
) -> None:
    settings = (*settings, f"callbacks.last.every_seconds={every}")
    training.train(*composed(*SHORT, *settings, folder="whole"))
    folder = killed(*settings, steps=steps, at_end=at_end)
    resume(Run(folder))
    wanted = tmp_path / "whole"
    assert len([row for row in _rows(wanted) if row["val/loss"]]) == 4
    assert _rows(folder) == _rows(wanted)
    assert _events(folder) == _events(wanted)
    assert not list(folder.rglob("*.kept"))


def test_a_run_that_a_signal_has_ended_goes_on_with_its_logs(
    composed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training.train(*composed(*SHORT, *SINGLE_STEPS, folder="whole"))
    kill = _Kill(5, at_end=False)
    monkeypatch.setattr(kill, "end", lambda: signal.raise_signal(signal.SIGTERM))
    with monkeypatch.context() as patch:
        patch.setattr(training, "build_trainer", lambda cfg, own, **more: build_trainer(cfg, [*own, kill], **more))
        with pytest.raises(InterruptedRunError):
            training.train(*composed(*SHORT, *SINGLE_STEPS, folder="stopped"))
    resume(Run(tmp_path / "stopped"))
    assert _rows(tmp_path / "stopped") == _rows(tmp_path / "whole")
    assert _events(tmp_path / "stopped") == _events(tmp_path / "whole")


def test_a_finished_run_that_is_extended_has_the_logs_of_a_long_one(composed, tmp_path: Path) -> None:
    training.train(*composed(*SHORT, folder="long"))
    training.train(*composed(*SHORT, "trainer.max_epochs=2", folder="short"))
    resume(Run(tmp_path / "short"), overrides=["trainer.max_epochs=4"])
    assert _rows(tmp_path / "short") == _rows(tmp_path / "long")
    assert _events(tmp_path / "short") == _events(tmp_path / "long")


def test_rows_outlive_a_process_that_is_killed_while_it_takes_them_up(composed, tmp_path: Path) -> None:
    training.train(*composed(*SHORT, folder="long"))
    training.train(*composed(*SHORT, "trainer.max_epochs=2", folder="short"))
    # Killed when the rows were put aside and none was written again.
    file = tmp_path / "short/csv/metrics.csv"
    file.replace(file.with_name(".metrics.csv.kept"))
    resume(Run(tmp_path / "short"), overrides=["trainer.max_epochs=4"])
    assert _rows(tmp_path / "short") == _rows(tmp_path / "long")
