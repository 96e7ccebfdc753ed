"""A run that was stopped anywhere and resumed leaves the same bits as one that was not."""

import os
import signal
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from hydra import compose, initialize_config_dir

from perceptron.composition import train as training
from perceptron.composition.building.trainer import build_trainer
from perceptron.composition.settings.overrides import CONF_DIR
from perceptron.composition.stored.resuming import resume
from perceptron.errors import InterruptedRunError, UsageError
from perceptron.models import TaskModule, several_steps
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.folder import Run

BASE = ("model=digits_mlp", "data=wine", "model.network.hidden=[8]", "model.network.dropout=0.3", "data.batch_size=16",
        "trainer.max_epochs=5", "trainer.accelerator=cpu", "logger=none")  # fmt: skip
CONFIGURATIONS = {
    "momentum": ("optimizer=sgd_momentum",),
    "adam_plateau": ("optimizer=adam", "optimizer.lr=0.5", "scheduler=plateau", "scheduler.patience=0"),
    "adamw_cosine": ("optimizer=adamw", "scheduler=cosine"),
    "onecycle": ("optimizer=sgd_momentum", "scheduler=onecycle"),
    "early_stopping": ("optimizer.lr=1.5", "callbacks.early_stopping.patience=1", "trainer.max_epochs=40"),
    "steps": ("trainer.max_steps=37",),
    "accumulated": ("trainer.accumulate_grad_batches=3", "optimizer=adam"),
    "averaged": (
        "optimizer.lr=1.5",
        "+callbacks.average._target_=lightning.pytorch.callbacks.EMAWeightAveraging",
        "+callbacks.average.decay=0.9",
    ),
    "double": ("trainer.precision=64-true", "optimizer=adam", "figures=none"),
    "bf16_mixed": ("trainer.precision=bf16-mixed", "optimizer=adam"),
    "bf16": ("trainer.precision=bf16-true", "optimizer=adam"),
    "fp16": ("trainer.precision=16-true", "optimizer=sgd_momentum"),
    "validated_twice": ("trainer.val_check_interval=0.5", "scheduler=plateau"),
}


class Killed(BaseException):
    """What no part of the program catches."""


class Kill(L.Callback):
    """Ends training behind so many batches."""

    def __init__(self) -> None:
        self.left = -1

    def on_train_batch_end(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.end()

    def end(self) -> None:
        raise Killed


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Kill:
    callback = Kill()
    monkeypatch.setattr(
        training, "build_trainer", lambda cfg, own, **more: build_trainer(cfg, [*own, callback], **more)
    )
    return callback


def _train(folder: Path, *settings: str) -> Path:
    folder.mkdir()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        cfg = compose("train", overrides=[*BASE, *settings, f"paths.output_dir={folder}"])
    training.train(cfg, {})
    return folder


def _left(folder: Path) -> dict[str, Any]:
    left: dict[str, Any] = {"metrics": Run(folder).metrics}
    for name in ("best", "last"):
        checkpoint = read_checkpoint(folder / "checkpoints" / f"{name}.ckpt")
        for key in ("state_dict", "optimizer_states", "lr_schedulers", "global_step"):
            left[f"{name} {key}"] = checkpoint[key]
    return left


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


# With their figures, which take numbers in half precision too.
SLOW = ("bf16_mixed", "bf16", "fp16")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in CONFIGURATIONS]
)
def test_the_same_bits(tmp_path: Path, kill: Kill, name: str) -> None:
    settings = CONFIGURATIONS[name]
    wanted = _left(_train(tmp_path / "undisturbed", *settings))
    # From a step's checkpoint in an epoch's middle, and from an epoch's, killed before its end was looked at.
    for batch, every in ((11, 0), (16, 1000)):
        folder = tmp_path / f"{batch}_{every}"
        kill.left = batch
        with pytest.raises(Killed):
            _train(folder, *settings, f"callbacks.last.every_seconds={every}")
        assert not Run(folder).is_finished
        resume(Run(folder))
        left = _left(folder)
        assert [key for key in wanted if not _same(wanted[key], left[key])] == []


@pytest.mark.usefixtures("kill")
@pytest.mark.parametrize("settings", [("optimizer=adam", "scheduler=plateau"), ("trainer.max_steps=40",)])
def test_a_run_killed_between_its_last_epoch_and_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: tuple[str, ...]
) -> None:
    settings = (*settings, "callbacks.last.every_seconds=1000", "figures=none")
    wanted = _left(_train(tmp_path / "undisturbed", *settings))
    with monkeypatch.context() as patch:
        # Called before checkpoints are written.
        patch.setattr(Kill, "on_train_end", lambda self, *_: self.end(), raising=False)
        with pytest.raises(Killed):
            _train(tmp_path / "killed", *settings)
    assert not (tmp_path / "killed" / "checkpoints" / "last.ckpt").exists()
    assert read_checkpoint(tmp_path / "killed" / "checkpoints" / "best.ckpt")["global_step"] == 40
    resume(Run(tmp_path / "killed"))
    left = _left(tmp_path / "killed")
    assert [key for key in wanted if not _same(wanted[key], left[key])] == []


@pytest.mark.parametrize(
    ("before", "after", "batches", "goes_on_by"),
    [
        # Killed before the last checkpoint is written that is due: behind 3 steps of 8, or behind an epoch.
        (3, 3, 5, 3),
        (3, 64, 5, 1),
        (3, 1, 5, 1),
        (3, 2, 5, 1),
        (3, 2, 4, 2),
        (64, 3, 2, 3),
        # From a run that took single steps, behind 3 and behind 2.
        (1, 3, 12, 3),
        (1, 3, 11, 1),
    ],
)
def test_the_same_bits_from_between_two_groups_of_steps(
    tmp_path: Path, kill: Kill, monkeypatch: pytest.MonkeyPatch, before: int, after: int, batches: int, goes_on_by: int
) -> None:
    taken: list[int] = []
    start = TaskModule.on_train_start

    def note(model: TaskModule) -> None:
        start(model)
        taken.append(model.steps_per_batch)

    monkeypatch.setattr(TaskModule, "on_train_start", note)
    monkeypatch.setattr(Kill, "takes_groups", True, raising=False)
    settings = ("optimizer=adam", "callbacks.last.every_seconds=0")
    monkeypatch.setattr(several_steps, "_MOST_STEPS", 1)
    wanted = _left(_train(tmp_path / "undisturbed", *settings))
    monkeypatch.setattr(several_steps, "_MOST_STEPS", before)
    kill.left = batches
    with pytest.raises(Killed):
        _train(tmp_path / "killed", *settings)
    monkeypatch.setattr(several_steps, "_MOST_STEPS", after)
    resume(Run(tmp_path / "killed"))
    assert taken == [1, min(before, 8), goes_on_by]
    left = _left(tmp_path / "killed")
    assert [key for key in wanted if not _same(wanted[key], left[key])] == []


def test_a_signal_is_heard_between_two_groups_of_steps(
    tmp_path: Path, kill: Kill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kill, "takes_groups", True, raising=False)
    monkeypatch.setattr(kill, "end", lambda: os.kill(os.getpid(), signal.SIGTERM))
    wanted = _left(_train(tmp_path / "undisturbed"))
    monkeypatch.setattr(several_steps, "_MOST_STEPS", 3)
    kill.left = 5
    with pytest.raises(InterruptedRunError, match="saved after step 14;"):
        _train(tmp_path / "stopped")
    resume(Run(tmp_path / "stopped"))
    left = _left(tmp_path / "stopped")
    assert [key for key in wanted if not _same(wanted[key], left[key])] == []


def test_the_comparison_sees_a_difference(tmp_path: Path) -> None:
    one, other = (_left(_train(tmp_path / str(seed), f"seed={seed}")) for seed in (0, 1))
    assert not _same(one["last state_dict"], other["last state_dict"])


def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path: Path, kill: Kill) -> None:
    wanted = _left(_train(tmp_path / "undisturbed"))
    kill.left = 2
    with pytest.raises(Killed):
        _train(tmp_path / "killed")
    assert not list((tmp_path / "killed").rglob("*.ckpt"))
    resume(Run(tmp_path / "killed"))
    assert _same(wanted, _left(tmp_path / "killed"))


def test_a_moved_run_goes_on_where_it_is(tmp_path: Path, kill: Kill) -> None:
    wanted = _left(_train(tmp_path / "undisturbed"))
    kill.left = 20
    with pytest.raises(Killed):
        _train(tmp_path / "killed")
    (tmp_path / "killed").rename(tmp_path / "moved")
    resume(Run(tmp_path / "moved"))
    assert _same(wanted, _left(tmp_path / "moved"))
    assert not (tmp_path / "killed").exists()


def test_a_longer_run_is_one_run(tmp_path: Path) -> None:
    wanted = _left(_train(tmp_path / "long", "trainer.max_epochs=4"))
    folder = _train(tmp_path / "short", "trainer.max_epochs=2")
    with pytest.raises(UsageError, match="must be unfinished"):
        resume(Run(folder))
    resume(Run(folder), overrides=["trainer.max_epochs=4"])
    assert _same(wanted, _left(folder))


def test_a_longer_run_goes_on_with_the_weights_and_not_with_their_average(tmp_path: Path) -> None:
    settings = CONFIGURATIONS["averaged"]
    wanted = _left(_train(tmp_path / "long", *settings, "trainer.max_epochs=5"))
    folder = _train(tmp_path / "short", *settings, "trainer.max_epochs=3")
    # The last weights are no longer there, an epoch's are.
    (folder / "checkpoints/best.ckpt").unlink()
    resume(Run(folder), overrides=["trainer.max_epochs=5"])
    assert [key for key in wanted if not _same(wanted[key], _left(folder)[key])] == []


def test_another_run_goes_on_from_a_folder(tmp_path: Path) -> None:
    wanted = _left(_train(tmp_path / "long", "trainer.max_epochs=4"))
    first = _train(tmp_path / "first", "trainer.max_epochs=2")
    before = {path: path.read_bytes() for path in first.rglob("*.*") if path.is_file()}
    second = _train(tmp_path / "second", "trainer.max_epochs=4", f"ckpt_path={first}")
    assert _same(wanted, _left(second))
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("gone", [False, True])
def test_where_nothing_becomes_better_the_start_is_the_best(tmp_path: Path, gone: bool) -> None:
    first = _train(tmp_path / "first", "trainer.max_epochs=2", "callbacks.early_stopping=null")
    best, last = (first / "checkpoints" / f"{name}.ckpt" for name in ("best", "last"))
    start = tmp_path / "start" / "last.ckpt"
    if gone:
        # Alone, as when it was sent by mail.
        start.parent.mkdir()
        last.rename(start)
    # Gradients without any effect; a rate would be the stored one.
    settings = ("trainer.max_epochs=4", "trainer.gradient_clip_val=1e-30", f"ckpt_path={start if gone else best}")
    second = _train(tmp_path / "second", *settings)
    weights = [read_checkpoint(folder / "checkpoints" / "best.ckpt")["state_dict"] for folder in (first, second)]
    assert Run(second).is_finished
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_a_schedule_of_fixed_length_is_not_lengthened(tmp_path: Path) -> None:
    folder = _train(tmp_path / "run", "scheduler=cosine", "trainer.max_epochs=2")
    before = _files(folder)
    with pytest.raises(UsageError, match="cosine of 2 epochs"):
        resume(Run(folder), overrides=["trainer.max_epochs=4"])
    assert _files(folder) == before
    with pytest.raises(UsageError, match="cosine of 2 epochs"):
        _train(tmp_path / "other", "scheduler=cosine", "trainer.max_epochs=4", f"ckpt_path={folder}")


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("optimizer.lr=0.1", r"optimizer.lr=0.05 in .*best.ckpt, got optimizer.lr=0.1; set optimizer.lr=0.05, or"),
        ("optimizer.momentum=0.5", r"got optimizer.momentum=0.5; set optimizer.momentum=0.9, or"),
        ("optimizer=adam", r"got optimizer=adam; set optimizer=sgd, or train anew"),
        ("scheduler=cosine", r"got scheduler=cosine; set scheduler=plateau, or train anew"),
        ("scheduler.patience=9", r"got scheduler.patience=9; set scheduler.patience=5, or train anew"),
        ("trainer.max_epochs=1", r"got 1 for a checkpoint of 2 completed epochs; set trainer.max_epochs above 2"),
    ],
)
def test_settings_without_an_effect_are_refused(tmp_path: Path, setting: str, named: str) -> None:
    first = _train(
        tmp_path / "first", "trainer.max_epochs=2", "optimizer=sgd_momentum", "optimizer.lr=0.05", "scheduler=plateau"
    )
    before = _files(first)
    settings = ["optimizer=sgd_momentum", "optimizer.lr=0.05", "scheduler=plateau", "trainer.max_epochs=4"]
    for goes_on in (
        lambda: _train(tmp_path / "second", *settings, setting, f"ckpt_path={first}"),
        lambda: resume(Run(first), overrides=[setting]),
    ):
        with pytest.raises(UsageError, match=named):
            goes_on()
        assert _files(first) == before


def test_a_checkpoint_of_another_model_is_named(tmp_path: Path) -> None:
    first = _train(tmp_path / "first", "trainer.max_epochs=1")
    with pytest.raises(UsageError, match=r"a checkpoint must be of this model, got .* in .*/best.ckpt; name another"):
        _train(tmp_path / "second", "model.network.hidden=[9]", f"ckpt_path={first}")
    assert not _files(tmp_path / "second")


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".log"}


def test_a_checkpoint_behind_the_end_is_named(tmp_path: Path) -> None:
    first = _train(tmp_path / "first", "trainer.max_epochs=3")
    with pytest.raises(UsageError, match="3 completed epochs"):
        _train(tmp_path / "second", "trainer.max_epochs=2", f"ckpt_path={first}")


def test_curves_have_each_step_once(tmp_path: Path, kill: Kill) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
        events = EventAccumulator(str(folder / "tensorboard")).Reload()
        names = [name for name in events.Tags()["scalars"] if name.startswith(("train/", "val/"))]
        return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in names}

    settings = ("logger=tensorboard",)
    wanted = curves(_train(tmp_path / "undisturbed", *settings))
    # Killed in the third epoch: the second's values are on the disk already, and are logged once more.
    kill.left = 21
    with pytest.raises(Killed):
        _train(tmp_path / "killed", *settings, "callbacks.last=null")
    best = tmp_path / "killed" / "checkpoints" / "best.ckpt"
    assert read_checkpoint(best)["global_step"] == 16
    resume(Run(tmp_path / "killed"))
    assert len(wanted["val/loss"]) == 5
    assert curves(tmp_path / "killed") == wanted
