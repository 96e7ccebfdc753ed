"""The figures of finished runs: equal to those of training, of sweeps too; what has none is refused in a line."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import Perceptron, train_in

from perceptron.errors import InterruptedRunError
from perceptron.files.plain_values import read_values
from perceptron.training.run_figures import all_or_none

SHORT = ("trainer.max_epochs=3", "logger=none", "trainer.accelerator=cpu")
OWN = """
import lightning as L
import torch


class Plain(L.LightningModule):
    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(n_features, 1)

    def _log_loss(self, batch, split):
        features, target, *_ = batch
        loss = torch.nn.functional.binary_cross_entropy_with_logits(self.layer(features).squeeze(1), target.float())
        self.log(f"{split}/loss", loss, on_step=False, on_epoch=True)
        return loss

    def training_step(self, batch, batch_idx):
        return self._log_loss(batch, "train")

    def validation_step(self, batch, batch_idx):
        self._log_loss(batch, "val")

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)
"""
Trained = Callable[..., Path]


def _drawn(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run / "figures").iterdir()}


def _copy(run: Path, to: Path) -> Path:
    shutil.copytree(run, to)
    shutil.rmtree(to / "figures", ignore_errors=True)
    return to


@pytest.mark.parametrize(
    "settings",
    [("model=binary_mlp", "data=moons"), ("model=softmax", "data=wine"), ("model=linear", "data=diabetes")],
    ids=["binary", "multiclass", "regression"],
)
def test_they_equal_those_of_training(
    perceptron: Perceptron, trained: Trained, tmp_path: Path, settings: tuple[str, ...]
) -> None:
    run = trained(*settings, *SHORT)
    moved = _copy(run, tmp_path / "moved")
    answer = perceptron("figures", f"run={moved}")
    assert answer.status == 0, answer.err
    assert f"figures     {moved / 'figures'}" in answer.out
    assert _drawn(moved) == _drawn(run)


def test_a_run_without_snapshots_has_all_but_the_path(perceptron: Perceptron, trained: Trained, tmp_path: Path) -> None:
    settings = ("model=binary_mlp", "data=moons", *SHORT)
    with_path = _drawn(trained(*settings))
    moved = _copy(trained(*settings, "figures=none"), tmp_path / "run")
    assert perceptron("figures", f"run={moved}").status == 0
    without = _drawn(moved)
    assert with_path.keys() == without.keys()
    differing = {name.partition(".")[0] for name in without if without[name] != with_path[name]}
    assert differing == {"loss_surface", "decision_boundary"}


def test_each_finished_network_of_a_sweep(perceptron: Perceptron, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    models = "model=logistic,sklearn_logistic,binary_mlp"
    train_in(sweep, "-m", models, *SHORT, "figures=none", f"hydra.sweep.dir={sweep}")
    (sweep / "2" / "metrics.json").unlink()
    answer = perceptron("figures", f"sweep={sweep}")
    assert answer.status == 0, answer.err
    assert answer.out == (
        f"figures     {sweep / '0' / 'figures'}\n"
        "left out    1 of 3 jobs, which are estimators of scikit-learn, which have no figures\n"
        "left out    1 of 3 jobs, which are not finished\n"
    )
    assert [(sweep / str(number) / "figures" / "curves.png").is_file() for number in range(3)] == [True, False, False]
    (sweep / "0" / "metrics.json").unlink()
    answer = perceptron("figures", f"sweep={sweep}")
    assert answer.err == (
        f"error: figures need finished trainings of networks, got none among the jobs of {sweep}; name another sweep\n"
    )


def test_what_has_none_is_refused(perceptron: Perceptron, trained: Trained, tmp_path: Path) -> None:
    run = trained("model=binary_mlp", "data=moons", *SHORT)
    unfinished = _copy(run, tmp_path / "unfinished")
    (unfinished / "metrics.json").unlink()
    without_best = trained("model=binary_mlp", "data=moons", "callbacks.checkpoint=null", *SHORT)
    estimator = trained("model=sklearn_logistic", *SHORT, "figures=none")
    for typed, told in (
        ([f"run={run}", f"sweep={run}"], "run and sweep exclude each other, got both; leave one of them out"),
        ([f"sweep={run}"], f"a sweep must be a multirun's folder, got {run}, which is a run's; type run={run}"),
        (
            [f"run={unfinished}"],
            f"figures need a finished training of a network, got {unfinished}, which is not finished; continue with "
            f"perceptron resume run={unfinished}",
        ),
        (
            [f"run={estimator}"],
            f"figures need a finished training of a network, got an estimator of scikit-learn in {estimator}; name "
            "another run",
        ),
        (
            [f"run={without_best}"],
            f"figures need a finished training of a network, got {without_best}, which has not kept the weights of its "
            "best epoch; train with callbacks.checkpoint, or name another run",
        ),
    ):
        answer = perceptron("figures", *typed)
        assert (answer.status, answer.err) == (2, f"error: {told}\n")


def test_a_table_that_has_moved_or_changed(perceptron: Perceptron, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = tmp_path / "table.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a", "b", "y"], *([i, i * i % 7, "yn"[i % 2]] for i in range(60))])
    run = train_in(tmp_path / "run", "data=table", f"data.path={table}", "data.target=y", *SHORT, "figures=none")
    moved = table.rename(tmp_path / "moved.csv")
    answer = perceptron("figures", f"run={run}")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert not (run / "figures").exists()
    answer = perceptron("figures", f"run={run}", f"data.path={moved}")
    assert answer.status == 0, answer.err
    assert (run / "figures" / "confusion.png").is_file()
    with moved.open("a", encoding="utf-8") as file:
        file.write("1,1,y\n")
    answer = perceptron("figures", f"run={run}", f"data.path={moved}")
    assert answer.err == (
        "error: figures show the rows that the run was trained and tested on, got 61 rows, where the run had 60; "
        "restore the data\n"
    )


def test_a_damaged_history_is_a_line(perceptron: Perceptron, trained: Trained, tmp_path: Path) -> None:
    run = _copy(trained("model=binary_mlp", "data=moons", *SHORT), tmp_path / "run")
    last = run / "checkpoints" / "last.ckpt"
    contents = torch.load(last, weights_only=True)
    whole = contents["history"]
    endless = torch.zeros(1, 1).expand(10**9, 10**9)
    for history in ({}, whole | {"weights": 3}, whole | {"weights": endless}, whole | {"epochs": [-1]}, "text"):
        torch.save({**contents, "history": history}, last)
        answer = perceptron("figures", f"run={run}")
        assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
        assert "history" in answer.err
    assert not (run / "figures").exists()


def test_a_job_that_cannot_be_drawn_does_not_stop_the_others(
    perceptron: Perceptron, trained: Trained, tmp_path: Path
) -> None:
    sweep = tmp_path / "sweep"
    for number in range(3):
        run = _copy(trained("model=binary_mlp", "data=moons", *SHORT), sweep / str(number))
        (run / ".hydra").mkdir(exist_ok=True)
        (run / ".hydra" / "overrides.yaml").write_text(f"[seed={number}]", encoding="utf-8")
    (sweep / "1" / "checkpoints" / "best.ckpt").write_bytes(b"no checkpoint")
    (sweep / "2" / "figures").mkdir()
    (sweep / "2" / "figures" / "curves.png").touch()
    answer = perceptron("figures", f"sweep={sweep}")
    assert (answer.status, answer.err.count("\n")) == (1, 1), answer.err
    assert answer.err.startswith("job 1: a checkpoint must ")
    assert answer.out == (f"figures     {sweep / '0' / 'figures'}\nleft out    1 of 3 jobs, which have figures\n")


def test_curves_that_nobody_could_read_are_left_out(perceptron: Perceptron, trained: Trained, tmp_path: Path) -> None:
    run = _copy(trained("model=binary_mlp", "data=moons", *SHORT), tmp_path / "run")
    history = json.loads((run / "history.json").read_text(encoding="utf-8"))
    history |= {f"val/metric_{number}": history["val/loss"] for number in range(500)}
    (run / "history.json").write_text(json.dumps(history), encoding="utf-8")
    assert perceptron("figures", f"run={run}").status == 0
    assert "curves.png" in _drawn(run)
    (run / "history.json").write_text('{"epoch": [1e999]}', encoding="utf-8")
    answer = perceptron("figures", f"run={run}")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err


def test_an_own_model_has_curves_alone(perceptron: Perceptron, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drawn_here.py").write_text(OWN, encoding="utf-8")
    run = train_in(tmp_path / "run", "model._target_=drawn_here.Plain", *SHORT, "figures=none")
    answer = perceptron("figures", f"run={run}", "trust=[drawn_here.Plain]")
    assert answer.status == 0, answer.err
    assert sorted(_drawn(run)) == ["curves.png", "curves.svg"]
    assert "val/loss" in json.dumps(read_values(run / "history.json"))


def test_no_settings_are_taken_but_the_places_of_the_data(perceptron: Perceptron, trained: Trained) -> None:
    run = trained("model=binary_mlp", "data=moons", *SHORT)
    for typed in ("model.threshold=0.3", "paths={output_dir:elsewhere}", "ckpt_path=best.ckpt"):
        answer = perceptron("figures", f"run={run}", typed)
        assert (answer.status, answer.err.count("\n")) == (2, 1)
        assert answer.err.startswith(f"error: there is no argument {typed}; ")
    answer = perceptron("figures", f"run={run}", "data.path=moons.csv")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    answer = perceptron("evaluate", f"ckpt_path={run / 'checkpoints' / 'best.ckpt'}", f"runs={run.parent}")
    assert answer.err == (
        "error: ckpt_path is where a training starts, and a finished run is named by run; type run=<checkpoint>\n"
    )


def test_other_arrays_are_found_by_the_loss(perceptron: Perceptron, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(120, 3)).astype(np.float32)
    target = (features.sum(1) > 0).astype(np.int64)
    for name, array in (("x", features), ("y", target), ("x2", features[::-1].copy()), ("y2", 1 - target)):
        np.save(tmp_path / f"{name}.npy", array)
    arrays = (f"data.features={tmp_path / 'x.npy'}", f"data.target={tmp_path / 'y.npy'}")
    run = train_in(tmp_path / "run", "data=arrays", *arrays, "model=logistic", *SHORT, "figures=none")
    assert perceptron("figures", f"run={run}", *arrays).status == 0
    before = _drawn(run)
    other = (f"data.features={tmp_path / 'x2.npy'}", f"data.target={tmp_path / 'y2.npy'}")
    answer = perceptron("figures", f"run={run}", *other)
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert "got data with a val/loss of" in answer.err
    assert _drawn(run) == before


def test_figures_that_were_there_survive_an_interruption(tmp_path: Path) -> None:
    figures = tmp_path / "figures"

    def interrupted() -> None:
        with all_or_none(tmp_path):
            figures.mkdir(exist_ok=True)
            (figures / "new.png").touch()
            raise InterruptedRunError(2)

    for had_some in (False, True):
        with pytest.raises(InterruptedRunError):
            interrupted()
        assert figures.exists() == had_some
        figures.mkdir(exist_ok=True)
        (figures / "old.png").touch()
    assert {path.name for path in figures.iterdir()} == {"old.png", "new.png"}
