"""A run that was stopped anywhere and resumed leaves the same bits as one that was not."""

import signal
from pathlib import Path

import pytest
from tests.runs.checkpoints.stopped_runs import Kill, Killed, results_of, same, train_in

from perceptron.composition.stored.resuming import resume
from perceptron.errors import InterruptedRunError
from perceptron.models import TaskModule, several_steps
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.folder import Run

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


# With their figures, which take numbers in half precision too.
SLOW = ("bf16_mixed", "bf16", "fp16")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in CONFIGURATIONS]
)
def test_the_same_bits(tmp_path: Path, kill: Kill, name: str) -> None:
    settings = CONFIGURATIONS[name]
    wanted = results_of(train_in(tmp_path / "undisturbed", *settings))
    # From a step's checkpoint in an epoch's middle, and from an epoch's, killed before its end was looked at.
    for batch, every in ((11, 0), (16, 1000)):
        folder = tmp_path / f"{batch}_{every}"
        kill.left = batch
        with pytest.raises(Killed):
            train_in(folder, *settings, f"callbacks.last.every_seconds={every}")
        assert not Run(folder).is_finished
        resume(Run(folder))
        left = results_of(folder)
        assert [key for key in wanted if not same(wanted[key], left[key])] == []


@pytest.mark.usefixtures("kill")
@pytest.mark.parametrize("settings", [("optimizer=adam", "scheduler=plateau"), ("trainer.max_steps=40",)])
def test_a_run_killed_between_its_last_epoch_and_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: tuple[str, ...]
) -> None:
    settings = (*settings, "callbacks.last.every_seconds=1000", "figures=none")
    wanted = results_of(train_in(tmp_path / "undisturbed", *settings))
    with monkeypatch.context() as patch:
        # Called before checkpoints are written.
        patch.setattr(Kill, "on_train_end", lambda self, *_: self.end(), raising=False)
        with pytest.raises(Killed):
            train_in(tmp_path / "killed", *settings)
    assert not (tmp_path / "killed" / "checkpoints" / "last.ckpt").exists()
    assert read_checkpoint(tmp_path / "killed" / "checkpoints" / "best.ckpt")["global_step"] == 40
    resume(Run(tmp_path / "killed"))
    left = results_of(tmp_path / "killed")
    assert [key for key in wanted if not same(wanted[key], left[key])] == []


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
    wanted = results_of(train_in(tmp_path / "undisturbed", *settings))
    monkeypatch.setattr(several_steps, "_MOST_STEPS", before)
    kill.left = batches
    with pytest.raises(Killed):
        train_in(tmp_path / "killed", *settings)
    monkeypatch.setattr(several_steps, "_MOST_STEPS", after)
    resume(Run(tmp_path / "killed"))
    assert taken == [1, min(before, 8), goes_on_by]
    left = results_of(tmp_path / "killed")
    assert [key for key in wanted if not same(wanted[key], left[key])] == []


def test_a_signal_is_heard_between_two_groups_of_steps(
    tmp_path: Path, kill: Kill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kill, "takes_groups", True, raising=False)
    monkeypatch.setattr(kill, "end", lambda: signal.raise_signal(signal.SIGTERM))
    wanted = results_of(train_in(tmp_path / "undisturbed"))
    monkeypatch.setattr(several_steps, "_MOST_STEPS", 3)
    kill.left = 5
    with pytest.raises(InterruptedRunError, match="saved after step 14;"):
        train_in(tmp_path / "stopped")
    resume(Run(tmp_path / "stopped"))
    left = results_of(tmp_path / "stopped")
    assert [key for key in wanted if not same(wanted[key], left[key])] == []


def test_the_comparison_sees_a_difference(tmp_path: Path) -> None:
    one, other = (results_of(train_in(tmp_path / str(seed), f"seed={seed}")) for seed in (0, 1))
    assert not same(one["last state_dict"], other["last state_dict"])


def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path: Path, kill: Kill) -> None:
    wanted = results_of(train_in(tmp_path / "undisturbed"))
    kill.left = 2
    with pytest.raises(Killed):
        train_in(tmp_path / "killed")
    assert not list((tmp_path / "killed").rglob("*.ckpt"))
    resume(Run(tmp_path / "killed"))
    assert same(wanted, results_of(tmp_path / "killed"))


def test_a_moved_run_goes_on_where_it_is(tmp_path: Path, kill: Kill) -> None:
    wanted = results_of(train_in(tmp_path / "undisturbed"))
    kill.left = 20
    with pytest.raises(Killed):
        train_in(tmp_path / "killed")
    (tmp_path / "killed").rename(tmp_path / "moved")
    resume(Run(tmp_path / "moved"))
    assert same(wanted, results_of(tmp_path / "moved"))
    assert not (tmp_path / "killed").exists()


def test_curves_have_each_step_once(tmp_path: Path, kill: Kill) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
        events = EventAccumulator(str(folder / "tensorboard")).Reload()
        names = [name for name in events.Tags()["scalars"] if name.startswith(("train/", "val/"))]
        return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in names}

    settings = ("logger=tensorboard",)
    wanted = curves(train_in(tmp_path / "undisturbed", *settings))
    # Killed in the third epoch: the second's values are on the disk already, and are logged once more.
    kill.left = 21
    with pytest.raises(Killed):
        train_in(tmp_path / "killed", *settings, "callbacks.last=null")
    best = tmp_path / "killed" / "checkpoints" / "best.ckpt"
    assert read_checkpoint(best)["global_step"] == 16
    resume(Run(tmp_path / "killed"))
    assert len(wanted["val/loss"]) == 5
    assert curves(tmp_path / "killed") == wanted
