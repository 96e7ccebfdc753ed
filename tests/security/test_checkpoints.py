"""Checkpoints of plain values that are wrong: a line that names the entry, before anything is restored or written."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import Perceptron

from perceptron.errors import UsageError
from perceptron.runs.checkpoints import LastCheckpoint
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint

SETTINGS = (
    "model=digits_mlp", "data=wine", "model.network.hidden=[4]", "optimizer=adam", "scheduler=plateau",
    "trainer.max_epochs=2", "trainer.accelerator=cpu", "logger=none",
)  # fmt: skip
Contents = dict[str, Any]


@pytest.fixture
def run(trained: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of an unfinished run whose checkpoints may be tampered with."""
    folder = tmp_path / "run"
    shutil.copytree(trained(*SETTINGS), folder)
    (folder / "metrics.json").unlink()
    return folder


def _tamper(run: Path, change: Callable[[Contents], object]) -> None:
    for name in ("best", "last"):
        path = run / "checkpoints" / f"{name}.ckpt"
        contents = torch.load(path, weights_only=True)
        change(contents)
        torch.save(contents, path)


def _fit_loop(contents: Contents) -> Contents:
    loop: Contents = contents["loops"]["fit_loop"]
    return loop


def _callback(contents: Contents, kind: str) -> Contents:
    return next(state for key, state in contents["callbacks"].items() if key.startswith(kind))


WRONG: dict[str, tuple[Callable[[Contents], object], str]] = {
    "resume is a number": (lambda c: c.update(resume=5), "a mapping under resume, got 5"),
    "resume is empty": (lambda c: c.update(resume={}), "an entry under resume.position"),
    "an unknown position": (lambda c: c["resume"].update(position="x"), "under resume.position, got x"),
    "a metric is a text": (lambda c: c["resume"].update(metrics={"a": "b"}), "a number under resume.metrics.a, got b"),
    "noise of zeros": (lambda c: c["resume"].update(noise=torch.zeros(1, 5056).byte()), "under resume.noise"),
    "noise is a list": (lambda c: c["resume"].update(noise=[1]), "under resume.noise"),
    "no loops": (lambda c: c.update(loops={}), "an entry under loops.fit_loop"),
    "loops are a list": (lambda c: c.update(loops=[]), "a mapping under loops"),
    "a counter is a text": (
        lambda c: _fit_loop(c)["epoch_progress"]["current"].update(processed="1"),
        "a whole number under loops.fit_loop.epoch_progress.current.processed, got 1",
    ),
    "a negative counter": (lambda c: _fit_loop(c)["epoch_progress"]["total"].update(ready=-1), "total.ready, got -1"),
    "a list of rows": (lambda c: _fit_loop(c).update(state_dict=[1]), "a mapping under loops.fit_loop.state_dict"),
    "a text for rows": (
        lambda c: _fit_loop(c).update(state_dict={"combined_loader": "x"}),
        "a list under loops.fit_loop.state_dict.combined_loader",
    ),
    "no optimizer": (lambda c: c.update(optimizer_states=[]), "the state of one optimizer, got 0"),
    "two optimizers": (
        lambda c: c.update(optimizer_states=2 * c["optimizer_states"]),
        "the state of one optimizer, got 2",
    ),
    "no groups": (lambda c: c["optimizer_states"][0].update(param_groups=[]), "0 entries for 1"),
    "groups are a mapping": (lambda c: c["optimizer_states"][0].update(param_groups={}), "a list under optimizer"),
    "a rate is a text": (
        lambda c: c["optimizer_states"][0]["param_groups"][0].update(lr="fast"),
        r"str under optimizer_states\[0\].param_groups\[0\].lr",
    ),
    "a group without a rate": (
        lambda c: c["optimizer_states"][0]["param_groups"][0].pop("lr"),
        r"none under optimizer_states\[0\].param_groups\[0\].lr",
    ),
    "another number of weights": (
        lambda c: c["optimizer_states"][0]["param_groups"][0].update(params=[0]),
        "1 entries for 4",
    ),
    "moments are texts": (lambda c: c["optimizer_states"][0].update(state={0: "x"}), "its optimizer's state"),
    "moments of another shape": (
        lambda c: c["optimizer_states"][0]["state"][0].update(exp_avg=torch.zeros(3)),
        "cannot go on",
    ),
    "a schedule's method": (lambda c: c["lr_schedulers"][0].update(step=5), "an entry step under lr_schedulers"),
    "a schedule's patience": (lambda c: c["lr_schedulers"][0].update(patience=None), "under lr_schedulers.*patience"),
    "no schedule": (lambda c: c.update(lr_schedulers=[]), "0 entries for 1 under lr_schedulers"),
    "a schedule is a list": (lambda c: c.update(lr_schedulers=[[]]), r"a mapping under lr_schedulers\[0\]"),
    "Lightning 0.0.1": (lambda c: c.update({"pytorch-lightning_version": "0.0.1"}), "from 2.0 on.* got 0.0.1"),
    "no version": (lambda c: c.update({"pytorch-lightning_version": "x"}), "from 2.0 on.* got x"),
    "steps are a text": (lambda c: c.update(global_step="x"), "a whole number under global_step, got x"),
    "steps beyond all": (lambda c: c.update(global_step=2**70), "a whole number under global_step"),
    "callbacks are a list": (lambda c: c.update(callbacks=[1]), "a mapping under callbacks"),
    "a callback is a text": (lambda c: c["callbacks"].update(EarlyStopping="x"), "under callbacks.EarlyStopping"),
    "patience is a text": (lambda c: _callback(c, "EarlyStopping").update(wait_count="x"), "EarlyStopping.wait_count"),
    "a path is a number": (lambda c: _callback(c, "ModelCheckpoint").update(best_model_path=1), "best_model_path"),
    "paths are a list": (lambda c: _callback(c, "ModelCheckpoint").update(best_k_models=[]), "best_k_models"),
    "sums are a list": (lambda c: c.update(epoch_sums=[0]), "under epoch_sums"),
    "weights by number": (lambda c: c.update(state_dict={1: 2}), "weights by their names under state_dict"),
    "weights are texts": (lambda c: c["state_dict"].update(dict.fromkeys(c["state_dict"], "x")), "of this model"),
    "an escape sequence": (lambda c: c.update(global_step="\x1b[2J\n"), r"got \\x1b\[2J\\n"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_entry_is_named(perceptron: Perceptron, run: Path, name: str) -> None:
    change, message = WRONG[name]
    _tamper(run, change)
    answer = perceptron("resume", f"run={run}", "trainer.max_epochs=3")
    assert (answer.status, answer.err.count("error: ")) == (2, 1), answer.err
    assert "Traceback" not in answer.err
    import re

    assert re.search(message, answer.err), answer.err


def test_a_checkpoint_as_it_was_written_is_taken(perceptron: Perceptron, run: Path) -> None:
    _tamper(run, lambda _: None)
    assert perceptron("resume", f"run={run}", "trainer.max_epochs=3").status == 0


@pytest.mark.parametrize("command", ["evaluate", "export"])
@pytest.mark.parametrize("name", ["resume is a number", "steps are a text", "weights by number", "weights are texts"])
def test_other_commands_say_the_same(perceptron: Perceptron, run: Path, name: str, command: str) -> None:
    change, message = WRONG[name]
    _tamper(run, change)
    answer = perceptron(command, f"run={run}")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert message in answer.err


def test_no_advice_to_read_a_damaged_file_without_care(tmp_path: Path) -> None:
    path = tmp_path / "sparse.ckpt"
    path.touch()
    os.truncate(path, 2**34)
    with pytest.raises(UsageError) as caught:
        read_checkpoint(path)
    assert "weights_only" not in str(caught.value)
    assert str(caught.value).startswith("a checkpoint must hold tensors and plain values alone")


def test_seconds_are_a_number(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="every_seconds must be a number, got often"):
        LastCheckpoint(dirpath=str(tmp_path), every_seconds="often")  # type: ignore[arg-type]
