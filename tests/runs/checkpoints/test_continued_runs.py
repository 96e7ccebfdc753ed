"""A run that trains on, in its own folder or from another run's, and settings that are refused for it."""

from pathlib import Path

import pytest
import torch
from tests.runs.checkpoints.stopped_runs import files_of, results_of, same, train_in

from perceptron.composition.stored.resuming import resume
from perceptron.errors import UsageError
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.folder import Run

AVERAGED = (
    "optimizer.lr=1.5",
    "+callbacks.average._target_=lightning.pytorch.callbacks.EMAWeightAveraging",
    "+callbacks.average.decay=0.9",
)


def test_a_longer_run_is_one_run(tmp_path: Path) -> None:
    wanted = results_of(train_in(tmp_path / "long", "trainer.max_epochs=4"))
    folder = train_in(tmp_path / "short", "trainer.max_epochs=2")
    with pytest.raises(UsageError, match="must be unfinished"):
        resume(Run(folder))
    resume(Run(folder), overrides=["trainer.max_epochs=4"])
    assert same(wanted, results_of(folder))


def test_a_longer_run_goes_on_with_the_weights_and_not_with_their_average(tmp_path: Path) -> None:
    settings = AVERAGED
    wanted = results_of(train_in(tmp_path / "long", *settings, "trainer.max_epochs=5"))
    folder = train_in(tmp_path / "short", *settings, "trainer.max_epochs=3")
    # The last weights are no longer there, an epoch's are.
    (folder / "checkpoints/best.ckpt").unlink()
    resume(Run(folder), overrides=["trainer.max_epochs=5"])
    assert [key for key in wanted if not same(wanted[key], results_of(folder)[key])] == []


def test_another_run_goes_on_from_a_folder(tmp_path: Path) -> None:
    wanted = results_of(train_in(tmp_path / "long", "trainer.max_epochs=4"))
    first = train_in(tmp_path / "first", "trainer.max_epochs=2")
    before = {path: path.read_bytes() for path in first.rglob("*.*") if path.is_file()}
    second = train_in(tmp_path / "second", "trainer.max_epochs=4", f"ckpt_path={first}")
    assert same(wanted, results_of(second))
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("gone", [False, True])
def test_where_nothing_becomes_better_the_start_is_the_best(tmp_path: Path, gone: bool) -> None:
    first = train_in(tmp_path / "first", "trainer.max_epochs=2", "callbacks.early_stopping=null")
    best, last = (first / "checkpoints" / f"{name}.ckpt" for name in ("best", "last"))
    start = tmp_path / "start" / "last.ckpt"
    if gone:
        # Alone, as when it was sent by mail.
        start.parent.mkdir()
        last.rename(start)
    # Gradients without any effect; a rate would be the stored one.
    settings = ("trainer.max_epochs=4", "trainer.gradient_clip_val=1e-30", f"ckpt_path={start if gone else best}")
    second = train_in(tmp_path / "second", *settings)
    weights = [read_checkpoint(folder / "checkpoints" / "best.ckpt")["state_dict"] for folder in (first, second)]
    assert Run(second).is_finished
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_a_schedule_of_fixed_length_is_not_lengthened(tmp_path: Path) -> None:
    folder = train_in(tmp_path / "run", "scheduler=cosine", "trainer.max_epochs=2")
    before = files_of(folder)
    with pytest.raises(UsageError, match="cosine of 2 epochs"):
        resume(Run(folder), overrides=["trainer.max_epochs=4"])
    assert files_of(folder) == before
    with pytest.raises(UsageError, match="cosine of 2 epochs"):
        train_in(tmp_path / "other", "scheduler=cosine", "trainer.max_epochs=4", f"ckpt_path={folder}")


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
    first = train_in(
        tmp_path / "first", "trainer.max_epochs=2", "optimizer=sgd_momentum", "optimizer.lr=0.05", "scheduler=plateau"
    )
    before = files_of(first)
    settings = ["optimizer=sgd_momentum", "optimizer.lr=0.05", "scheduler=plateau", "trainer.max_epochs=4"]
    for goes_on in (
        lambda: train_in(tmp_path / "second", *settings, setting, f"ckpt_path={first}"),
        lambda: resume(Run(first), overrides=[setting]),
    ):
        with pytest.raises(UsageError, match=named):
            goes_on()
        assert files_of(first) == before


def test_a_checkpoint_of_another_model_is_named(tmp_path: Path) -> None:
    first = train_in(tmp_path / "first", "trainer.max_epochs=1")
    with pytest.raises(UsageError, match=r"a checkpoint must be of this model, got .* in .*/best.ckpt; name another"):
        train_in(tmp_path / "second", "model.network.hidden=[9]", f"ckpt_path={first}")
    assert not files_of(tmp_path / "second")


def test_a_checkpoint_behind_the_end_is_named(tmp_path: Path) -> None:
    first = train_in(tmp_path / "first", "trainer.max_epochs=3")
    with pytest.raises(UsageError, match="3 completed epochs"):
        train_in(tmp_path / "second", "trainer.max_epochs=2", f"ckpt_path={first}")
