"""Whole sweeps, from the command line to the summary."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
import yaml

from perceptron.composition import command_line
from perceptron.sweeps.job_folders import Job, State, find_jobs

Sweep = Callable[..., tuple[int, Path]]
SHORT = ("trainer.max_epochs=2", "logger=none", "model=logistic")

FRAGILE = """
from torch import nn


class Fragile(nn.Linear):
    def __init__(self, *, n_features, n_outputs, number):
        super().__init__(n_features, n_outputs)
        self.number = number

    def forward(self, x):
        if self.number == 2:
            return super().forward(x[:, :2])
        if self.number == 5:
            raise SystemExit(3)
        if self.number == 7:
            raise MemoryError("no more room")
        return super().forward(x)
"""


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "summary.csv").read_text(encoding="utf-8"))))


def test_three_of_twelve_jobs_fail(sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "fragile_network.py").write_text(FRAGILE, encoding="utf-8")
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "fragile.yaml").write_text(
        "defaults: [/schema/model/binary@_here_, _self_]\n"
        "network: {_target_: fragile_network.Fragile, number: '${seed}'}\n",
        encoding="utf-8",
    )
    sys.path.insert(0, str(tmp_path / "modules"))
    try:
        status, folder = sweep("--config-dir", str(tmp_path / "conf"), *SHORT[:2], "model=fragile", "seed=range(12)")
    finally:
        sys.path.remove(str(tmp_path / "modules"))

    assert status == 1
    failed = {job.folder.name: job.reason for job in find_jobs(folder) if job.state == State.FAILED}
    assert failed == {
        "2": "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x2 and 30x1)",
        "5": "SystemExit: 3",
        "7": "MemoryError: no more room",
    }
    (row,) = rows(folder)
    assert row["runs"] == "9"
    output = capsys.readouterr().out
    assert all(reason in output for reason in failed.values())
    assert "3 failed" in output
    assert all(reason in (folder / "summary.md").read_text(encoding="utf-8") for reason in failed.values())


def test_cross_validation_is_a_multirun(sweep: Sweep) -> None:
    status, folder = sweep(
        "model=sklearn_logistic,sklearn_dummy", "data=iris", "data.folds=10", "data.fold=range(10)", "logger=none"
    )
    assert status == 0
    logistic, dummy = rows(folder)
    assert (logistic["model"], dummy["model"]) == ("sklearn_logistic", "sklearn_dummy")
    assert (logistic["runs"], dummy["pairs"]) == ("10", "10")
    assert float(logistic["test/acc low"]) > 0.8 > float(dummy["test/acc mean"])
    # A third of each fold is of each class, so that it is as right in all of them.
    assert (logistic["no interval"], dummy["test/acc high"]) == ("", "")
    assert float(dummy["p_holm"]) < 0.01
    best = yaml.safe_load((folder / "experiment" / "best.yaml").read_text(encoding="utf-8"))
    assert best["defaults"] == [{"override /model": "sklearn_logistic"}, {"override /data": "iris"}, "_self_"]


def test_a_sweep_goes_on(sweep: Sweep) -> None:
    status, folder = sweep(*SHORT, "seed=range(3)")
    assert status == 0
    before = {job.folder.name: (job.folder / "metrics.json").read_bytes() for job in find_jobs(folder)}
    # As if it had been killed: job 1 after its last checkpoint, job 2 before it began.
    for name in ("metrics.json", "provenance.json"):
        (folder / "1" / name).unlink()
    shutil.rmtree(folder / "2")
    untouched = (folder / "0" / "metrics.json").stat().st_mtime_ns
    sys.argv = ["train.py", f"sweep.resume={folder}"]
    command_line.main()
    assert (folder / "0" / "metrics.json").stat().st_mtime_ns == untouched
    assert {job.folder.name: (job.folder / "metrics.json").read_bytes() for job in find_jobs(folder)} == before
    config = yaml.safe_load((folder / "1" / "config.yaml").read_text(encoding="utf-8"))
    assert Path(config["ckpt_path"]).parent == folder / "1" / "checkpoints"
    assert rows(folder)[0]["runs"] == "3"


@pytest.mark.parametrize(
    "launcher",
    ["basic", "population", pytest.param("joblib", marks=pytest.mark.slow)],
)
def test_tensorboard_shows_what_a_sweep_varies(sweep: Sweep, launcher: str) -> None:
    status, folder = sweep(
        "model=logistic", "optimizer.lr=0.1,0.012345", "data.split_seed=4", "seed=1", "trainer.max_epochs=1",
        "figures=none", f"hydra/launcher={launcher}",
    )  # fmt: skip
    assert status == 0
    events = {path.parent.relative_to(folder).as_posix() for path in folder.rglob("events.out.tfevents.*")}
    assert events == {"0/tensorboard/lr=0.1", "1/tensorboard/lr=0.01235"}
    # Killed after its last checkpoint: what it logged is continued where it lies.
    for name in ("metrics.json", "provenance.json"):
        (folder / "1" / name).unlink()
    sys.argv = ["train.py", "-m", f"sweep.resume={folder}"]
    command_line.main()
    assert events == {path.parent.relative_to(folder).as_posix() for path in folder.rglob("events.out.tfevents.*")}


def test_a_search_holds_its_trials_and_goes_on(sweep: Sweep) -> None:
    search = (
        "hydra/sweeper=optuna",
        "hydra/sweeper/sampler=random",
        "hydra.sweeper.n_trials=6",
        "hydra.sweeper.n_jobs=2",
    )
    # At such a rate the outputs are not finite: the trial fails, and the search goes on.
    status, folder = sweep(*SHORT, *search, "optimizer.lr=choice(0.01,0.1,1e38)")
    assert status == 1
    storage = f"sqlite:///{folder / 'search.db'}"
    states = [trial.state.name for trial in optuna.load_study(study_name="search", storage=storage).trials]
    assert len(states) == 6
    assert set(states) == {"COMPLETE", "FAIL"}
    sys.argv = ["train.py", "-m", f"sweep.resume={folder}", "hydra.sweeper.n_trials=8"]
    with pytest.raises(SystemExit):
        command_line.main()
    trials = optuna.load_study(study_name="search", storage=storage).trials
    assert [trial.number for trial in trials] == list(range(8))
    for trial in trials:
        if trial.state.name == "COMPLETE":
            found = json.loads((folder / str(trial.number) / "metrics.json").read_text(encoding="utf-8"))
            assert found["val/loss"] == pytest.approx(trial.value, rel=1e-6)
        else:
            assert float(trial.params["optimizer.lr"]) == 1e38
    assert "+" not in (folder / "experiment" / "best.yaml").read_text(encoding="utf-8")


def test_a_begun_trial_keeps_its_number_and_values(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill between the draw and the job, and one between the job's end and the storage."""
    search = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "hydra/sweeper/pruner=none")
    ask, asked = optuna.Study.ask, 0

    def killed(study: optuna.Study) -> optuna.Trial:
        nonlocal asked
        asked += 1
        trial = ask(study)
        if asked == 2:
            trial.set_user_attr("folder", trial.study.trials[0].user_attrs["folder"])
            raise KeyboardInterrupt
        return trial

    monkeypatch.setattr(optuna.Study, "ask", killed)
    status, folder = sweep(*SHORT, *search, "optimizer.lr=interval(0.01,0.1)")
    assert status == 130
    monkeypatch.undo()
    monkeypatch.setattr(sys, "argv", ["train.py", f"sweep.resume={folder}"])
    command_line.main()
    trials = optuna.load_study(study_name="search", storage=f"sqlite:///{folder / 'search.db'}").trials
    assert [(trial.number, trial.state.name) for trial in trials] == [(n, "COMPLETE") for n in range(3)]
    assert len({trial.params["optimizer.lr"] for trial in trials}) == 3
    assert [job.state for job in find_jobs(folder)] == [State.DONE] * 3


@pytest.mark.parametrize("threads", [1, 2])
def test_trials_that_fall_behind_are_pruned_among_others(sweep: Sweep, threads: int) -> None:
    """A batch of trials trained side by side: the pruner ends some, and the others are told as they would be alone."""
    search = (
        "hydra/sweeper=optuna",
        "hydra.sweeper.n_trials=16",
        "hydra.sweeper.n_jobs=8",
        "hydra/launcher=population",
    )
    pruner = (
        "hydra.sweeper.pruner.n_startup_trials=2",
        "hydra.sweeper.pruner.n_warmup_steps=1",
        "hydra.sweeper.n_jobs=8",
    )
    settings = ("data=wine", "model=digits_mlp", "trainer.max_epochs=6", f"trainer.num_threads={threads}")
    status, folder = sweep(*settings, *search, *pruner, "optimizer.lr=tag(log, interval(0.0001,0.1))")
    assert status == 0
    jobs = {job.folder.name: job for job in find_jobs(folder)}
    trials = optuna.load_study(study_name="search", storage=f"sqlite:///{folder / 'search.db'}").trials
    states = {trial.state.name for trial in trials}
    assert states == {"COMPLETE", "PRUNED"}
    for trial in trials:
        job = jobs[str(trial.number)]
        assert job.state == {"COMPLETE": State.DONE, "PRUNED": State.PRUNED}[trial.state.name]
        if trial.state.name == "PRUNED":
            # Neither in the first two epochs nor in the last.
            assert list(trial.intermediate_values) == list(range(len(trial.intermediate_values)))
            assert 2 <= len(trial.intermediate_values) < 6
            assert f"after epoch {len(trial.intermediate_values) - 1}" in job.reason
        else:
            assert list(trial.intermediate_values) == list(range(5))
            found = json.loads((job.folder / "metrics.json").read_text(encoding="utf-8"))
            assert found["val/loss"] == pytest.approx(trial.value, rel=1e-6)


def test_a_grid_is_run_once(sweep: Sweep) -> None:
    _, folder = sweep(
        "model=sklearn_logistic", "logger=none", "hydra/sweeper=optuna", "hydra/sweeper/sampler=grid",
        "model.estimator.C=choice(0.1,1.0)", "seed=range(0,3)",
    )  # fmt: skip
    trials = optuna.load_study(study_name="search", storage=f"sqlite:///{folder / 'search.db'}").trials
    found = {(trial.params["model.estimator.C"], trial.params["seed"]) for trial in trials}
    assert len(trials) == len(found) == 6


@pytest.mark.parametrize("storage", ["nonsense", "sqlite:////no/such/folder/search.db"])
def test_a_storage_that_is_none_leaves_no_sweep(
    sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str], storage: str
) -> None:
    status, _ = sweep(
        *SHORT, "hydra/sweeper=optuna", f"hydra.sweeper.storage={storage}", "optimizer.lr=interval(0.01,0.1)"
    )
    (line,) = capsys.readouterr().err.splitlines()
    assert status == 2
    assert line.startswith(f"error: hydra.sweeper.storage must be a database's URL, got {storage}: ")
    assert line.endswith("; name another, or leave it out for search.db in the sweep's folder")
    assert not list(tmp_path.glob("*/multiruns/*"))


def test_a_search_has_one_metric_and_a_study_one_direction(
    sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = (
        *SHORT,
        "figures=none",
        "hydra/sweeper=optuna",
        "hydra.sweeper.n_trials=1",
        "optimizer.lr=interval(0.01,0.1)",
    )
    assert sweep(*search, "monitor=choice(val/loss,val/acc)")[0] == 2
    assert capsys.readouterr().err == (
        "error: a search compares its trials by one metric, got val/loss, val/acc; set monitor to one of them\n"
    )
    storage = f"sqlite:///{tmp_path / 'shared.db'}"
    optuna.create_study(storage=storage, study_name="search", direction="minimize")
    assert sweep(*search, f"hydra.sweeper.storage={storage}", "monitor=val/acc")[0] == 2
    assert capsys.readouterr().err == (
        f"error: the study search in {storage} has a metric to minimize, got mode=max; set another "
        "hydra.sweeper.study_name or hydra.sweeper.storage\n"
    )
    assert not list(tmp_path.glob("*/multiruns/*"))


@pytest.mark.parametrize("option", ["hydra/launcher=joblib", "hydra/sweeper=optuna"])
def test_a_missing_extra_is_named(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    monkeypatch.setattr("perceptron.composition.settings.extras.find_spec", lambda _: None)
    status, _ = sweep(option, "seed=0,1")
    assert status == 2
    extra = option.partition("=")[2]
    assert f"error: {option} needs the extra {extra}, got none; type pip install" in capsys.readouterr().err


def test_jobs_leave_no_warning_filters_behind(sweep: Sweep) -> None:
    import warnings

    before = warnings.filters[:]
    sweep(*SHORT, "seed=0,1")
    assert warnings.filters == before


def test_a_failed_job_is_tried_again(sweep: Sweep) -> None:
    status, folder = sweep(*SHORT, "data=breast_cancer,wine", "logger=none")
    assert status == 1
    (failed,) = [job for job in find_jobs(folder) if job.state == State.FAILED]
    assert failed.reason.startswith("model=logistic needs two classes, data=wine has 3 classes")
    # What is retried forgets its error first.
    Job(failed.folder).begin()
    assert failed.state == State.RUNNING
