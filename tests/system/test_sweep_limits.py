"""``sweep.filter``, ``sweep.max_jobs`` and ``sweep.max_hours``: fewer jobs than all combinations, or fewer for now."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from perceptron.composition.sweeps import checked_space, time_limit, trial_draws
from perceptron.reports.sweep_page import sweep_page
from perceptron.results import sweep as sweep_in_python
from perceptron.results import train as train_in_python
from perceptron.runs.folder import Run
from perceptron.sweeps.job_folders import State, find_jobs

Sweep = Callable[..., tuple[int, Path]]
SHORT = ("trainer.max_epochs=1", "logger=none", "figures=none", "model=logistic")
POPULATION = "hydra/launcher=population"
SEARCH = ("hydra/sweeper=optuna", "hydra/sweeper/pruner=none")


def jobs_of(folder: Path) -> dict[str, tuple[int, float]]:
    """Seed and rate of each finished job, by the name of its folder."""
    finished = {job.folder.name: Run(job.folder).config for job in find_jobs(folder) if job.state == State.DONE}
    return {name: (config["seed"], config["optimizer"]["lr"]) for name, config in finished.items()}


@pytest.mark.parametrize("launcher", [(), (POPULATION,), ("hydra.sweeper.max_batch_size=2",)])
def test_combinations_are_left_out(sweep: Sweep, launcher: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    # 32 rows a batch, by default: what is not swept counts, too.
    status, folder = sweep(
        *SHORT, *launcher, "seed=0,1,2", "optimizer.lr=0.1,0.2",
        "sweep.filter=optimizer.lr * data.batch_size < 5 and seed != 1 or model == 'logistic' and seed == 2",
        "sweep.max_jobs=3",
    )  # fmt: skip
    assert status == 0
    assert jobs_of(folder) == {"0": (0, 0.1), "1": (2, 0.1), "2": (2, 0.2)}
    assert "3 combinations left out by sweep.filter" in capsys.readouterr().out
    assert "3 combinations left out by sweep.filter." in (folder / "summary.md").read_text(encoding="utf-8")
    # The setting of the sweep is none of its runs.
    assert "filter" not in json.dumps(Run(folder / "0").config)
    assert not [text for text in Run(folder / "0").overrides if "filter" in text]
    assert "filter" not in (folder / "experiment" / "best.yaml").read_text(encoding="utf-8")


def test_a_filtered_sweep_goes_on(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    typed = (*SHORT, "seed=0,1", "optimizer.lr=0.1,0.2", "sweep.filter=not (seed == 0 and optimizer.lr == 0.1)")
    _, folder = sweep(*typed)
    before = jobs_of(folder)
    assert before == {"0": (0, 0.2), "1": (1, 0.1), "2": (1, 0.2)}
    (folder / "1" / "metrics.json").unlink()
    status, _ = sweep(f"sweep.resume={folder}", "sweep.max_jobs=3")
    assert status == 0
    assert jobs_of(folder) == before
    assert capsys.readouterr().out.count("1 combination left out by sweep.filter") == 2
    # Another filter would number the jobs anew, and take the results of one for those of another.
    for own in (f"sweep.resume={folder}", "sweep.filter=seed == 1"), (*typed[:-1], f"hydra.sweep.dir={folder}"):
        assert sweep(*own)[0] == 2
    errors = capsys.readouterr().err
    assert "error: a sweep is resumed with its own settings, got sweep.filter=seed == 1 beside sweep.resume" in errors
    assert "which is one of other settings; name another folder" in errors


def test_a_filter_that_has_come_to_mean_something_else(
    sweep: Sweep, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    option = tmp_path / "conf" / "optimizer" / "own.yaml"
    option.parent.mkdir(parents=True)
    option.write_text("defaults: [sgd, _self_]\nlr: 0.05\n", encoding="utf-8")
    typed = ("--config-dir", str(option.parent.parent), *SHORT, "optimizer=own", "data.batch_size=16,32")
    _, folder = sweep(*typed, "sweep.filter=optimizer.lr * data.batch_size > 1")
    assert [Run(job.folder).config["data"]["batch_size"] for job in find_jobs(folder)] == [32]
    option.write_text("defaults: [sgd, _self_]\nlr: 0.1\n", encoding="utf-8")
    status, _ = sweep(f"sweep.resume={folder}", f"trust=[{option.parent.parent}]")
    assert status == 2
    said = capsys.readouterr().err
    assert "sweep.filter must leave the jobs of its sweep under their numbers, got job 0 with" in said
    assert len(find_jobs(folder)) == 1


def test_values_are_checked_where_they_are_run(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    """A pair of values that do not go together can be left out, and one that is left is refused."""
    typed = (*SHORT, "data.folds=3,5", "data.fold=0,3")
    status, _ = sweep(*typed)
    assert status == 2
    refused = capsys.readouterr().err
    assert "data.fold" in refused
    status, _ = sweep(*typed, "sweep.filter=data.folds == 3")
    assert (status, capsys.readouterr().err) == (2, refused)
    status, folder = sweep(*typed, "sweep.filter=data.fold < data.folds")
    assert status == 0
    found = [Run(job.folder).config["data"] for job in find_jobs(folder)]
    assert [(data["folds"], data["fold"]) for data in found] == [(3, 0), (5, 0), (5, 3)]


@pytest.mark.usefixtures("hours")
@pytest.mark.parametrize(
    "launcher",
    [(), (POPULATION, "hydra.launcher.max_members=2", "trainer.num_threads=1"), ("hydra.sweeper.max_batch_size=2",)],
)
def test_a_sweep_that_runs_out_of_time_goes_on(
    sweep: Sweep, launcher: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    status, folder = sweep(*SHORT, *launcher, "seed=range(6)", "sweep.max_hours=2")
    assert status == 124
    # Those that had begun are finished, and the others have left nothing.
    assert sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name.isdigit()) == ["0", "1"]
    said = capsys.readouterr()
    assert "stopped by sweep.max_hours=2: 4 jobs were not started; go on with" in said.err
    assert f"sweep.resume={folder}" in said.err
    missing = "incomplete: 2 of 6 jobs done, 4 not started"
    assert missing in said.out
    begun, _, command = (folder / "summary.md").read_text(encoding="utf-8").partition("\n")[0].partition("; ")
    assert begun == f"**{missing}**"
    assert command == f"go on with `python train.py -m sweep.resume={folder}`"
    assert "6 jobs: 2 done, 4 not started. To run what is missing: " in sweep_page(folder)
    before = (folder / "0" / "metrics.json").stat().st_mtime_ns
    # With its limit, which counts anew: here two hours have passed from the start.
    status, _ = sweep(f"sweep.resume={folder}", "sweep.max_hours=4")
    assert status == 0
    assert {seed for seed, _ in jobs_of(folder).values()} == set(range(6))
    assert "incomplete" not in (folder / "summary.md").read_text(encoding="utf-8")
    assert sweep_page(folder).count("6 jobs: 6 done.") == 1
    assert (folder / "0" / "metrics.json").stat().st_mtime_ns == before


@pytest.mark.usefixtures("hours")
def test_a_sweep_that_ends_with_its_time_is_complete(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    status, folder = sweep(*SHORT, "seed=range(2)", "sweep.max_hours=1.5")
    assert status == 0
    assert len(jobs_of(folder)) == 2
    assert "max_hours" not in capsys.readouterr().err


@pytest.mark.usefixtures("hours")
@pytest.mark.parametrize("batch", ["hydra.sweeper.n_jobs=1", "hydra.sweeper.n_jobs=3"])
def test_a_search_that_runs_out_of_time_goes_on(sweep: Sweep, batch: str) -> None:
    status, folder = sweep(
        *SHORT, *SEARCH, batch, "hydra.sweeper.n_trials=5", "optimizer.lr=interval(0.01,0.1)", "sweep.max_hours=2"
    )
    assert status == 124
    assert "incomplete: 2 of 5 jobs done, 3 not started" in (folder / "summary.md").read_text(encoding="utf-8")
    storage = f"sqlite:///{folder / 'search.db'}"
    trials = optuna.load_study(study_name="search", storage=storage).trials
    # One that was drawn and not started waits with its values.
    waiting = [] if batch.endswith("=1") else ["RUNNING"]
    assert [trial.state.name for trial in trials] == ["COMPLETE", "COMPLETE", *waiting]
    status, _ = sweep(f"sweep.resume={folder}", "sweep.max_hours=null")
    assert status == 0
    after = optuna.load_study(study_name="search", storage=storage).trials
    assert [trial.state.name for trial in after] == ["COMPLETE"] * 5
    assert [trial.params for trial in after[: len(trials)]] == [trial.params for trial in trials]
    assert len(jobs_of(folder)) == 5
    assert "incomplete" not in (folder / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("sweeper", [(), (*SEARCH, "hydra.sweeper.n_trials=3")])
def test_without_time_nothing_is_left(sweep: Sweep, tmp_path: Path, sweeper: tuple[str, ...]) -> None:
    assert sweep(*SHORT, *sweeper, "seed=choice(1,2,3)", "sweep.max_hours=1e-9")[0] == 124
    assert not list(tmp_path.iterdir())


def test_a_search_looks_at_the_time_between_draws(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each draw takes a minute here, and the filter leaves out nearly all of them."""
    monkeypatch.setattr(trial_draws, "_IN_A_ROW_TOLD", 2)
    ask, asked = optuna.Study.ask, 0

    def counted(study: optuna.Study) -> optuna.Trial:
        nonlocal asked
        asked += study.sampler.__class__.__name__ == "TPESampler"
        return ask(study)

    class Clock:
        @staticmethod
        def time() -> float:
            return 60.0 * asked

    monkeypatch.setattr(optuna.Study, "ask", counted)
    monkeypatch.setattr(time_limit, "time", Clock)
    status, _ = sweep(
        *SHORT, *SEARCH, "hydra.sweeper.n_trials=3", "optimizer.lr=interval(0.1,1)",
        "sweep.filter=optimizer.lr < 0.102", f"sweep.max_hours={5 / 60}",
    )  # fmt: skip
    assert (status, asked) == (124, 5)
    told = capsys.readouterr().err
    assert "sweep.filter has left out 2 draws in a row\n" in told
    assert "3 jobs were not started; nothing was written; set more hours" in told
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_jobs_in_other_processes_know_when_the_time_is_over(sweep: Sweep, launcher: str) -> None:
    """Their processes take longer to start than the sweep has."""
    status, folder = sweep(*SHORT, f"hydra/launcher={launcher}", "seed=range(3)", "sweep.max_hours=0.0003")
    assert status == 124
    assert not [path for path in folder.glob("*") if path.name.isdigit()]


@pytest.mark.slow
def test_a_process_of_a_job_is_not_cut_short(sweep: Sweep) -> None:
    """A job on several devices has a process of its own, which takes longer than the sweep has."""
    status, folder = sweep(*SHORT, "trainer=ddp_sim", "seed=range(2)", "sweep.max_hours=0.001")
    assert status == 124
    assert jobs_of(folder) == {"0": (0, 0.05)}
    assert not (folder / "1").exists()


@pytest.mark.slow
def test_a_search_leaves_out_what_it_draws(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    status, folder = sweep(
        *SHORT, *SEARCH, "hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=3",
        "optimizer.lr=tag(log, interval(0.01,1))", "data.batch_size=choice(16,64)",
        "sweep.filter=optimizer.lr * data.batch_size < 5", "sweep.max_jobs=4",
    )  # fmt: skip
    assert status == 0
    trials = optuna.load_study(study_name="search", storage=f"sqlite:///{folder / 'search.db'}").trials
    left_out = [trial for trial in trials if "left_out" in trial.user_attrs]
    assert left_out
    assert {trial.state.name for trial in left_out} == {"PRUNED"}
    for trial in trials:
        is_admitted = trial.params["optimizer.lr"] * int(trial.params["data.batch_size"]) < 5
        assert (trial.state.name == "COMPLETE") is is_admitted is (folder / str(trial.number)).is_dir()
        if is_admitted:
            # A folder is named by its trial.
            assert Run(folder / str(trial.number)).config["optimizer"]["lr"] == trial.params["optimizer.lr"]
    assert len(find_jobs(folder)) == 4
    assert f"{len(left_out)} combination" in capsys.readouterr().out
    status, _ = sweep(f"sweep.resume={folder}", "hydra.sweeper.n_trials=5", "sweep.max_jobs=null")
    assert (status, len(find_jobs(folder))) == (0, 5)


def test_a_grid_leaves_out_points(sweep: Sweep) -> None:
    status, folder = sweep(
        *SHORT, *SEARCH, "hydra/sweeper/sampler=grid", "seed=range(3)", "optimizer.lr=choice(0.1,0.2)",
        "sweep.filter=seed != 1 and optimizer.lr < 0.15", "sweep.max_jobs=2",
    )  # fmt: skip
    assert status == 0
    assert sorted(jobs_of(folder).values()) == [(0, 0.1), (2, 0.1)]


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (
            "data.batch_size=choice(16,32)",
            "must leave a trial, got seed > 2, which leaves out all 4 combinations; widen",
        ),
        (
            "optimizer.lr=interval(0.1,1)",
            "must leave enough to draw from, got seed > 2, which leaves out 20 draws in a",
        ),
        (
            "hydra/sweeper/sampler=grid",
            "must leave a trial, got seed > 2, which leaves out all 2 combinations; widen it",
        ),
    ],
)
def test_a_search_of_which_nothing_is_left(
    sweep: Sweep, space: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checked_space, "MOST_IN_A_ROW", 20)
    status, folder = sweep(*SHORT, *SEARCH, space, "seed=choice(1,2)", "sweep.filter=seed > 2")
    assert status == 2
    assert said in capsys.readouterr().err
    assert not list(folder.iterdir())


def test_jobs_that_fail_alike_are_told_together(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    status, folder = sweep(*SHORT, POPULATION, "data=wine,breast_cancer", "seed=range(3)", "optimizer.lr=0.1")
    assert status == 1
    why = "model=logistic needs two classes, data=wine has 3 classes; type one of model=digits_mlp, model=softmax"
    printed = capsys.readouterr()
    assert re.search(rf"3 failed\n  0 to 2  .*data=wine optimizer.lr=0.1\n     {why}\n", printed.out)
    assert (printed.out + printed.err).count(why) <= 2
    _, _, failed = (folder / "summary.md").read_text(encoding="utf-8").partition("### failed\n\n")
    assert re.fullmatch(rf"- `0 to 2` .*`data=wine` `optimizer.lr=0.1`: {why}\n", failed)
    # Each has its own, which programs read.
    assert [job.reason for job in find_jobs(folder) if job.state == State.FAILED] == [why] * 3


def test_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = sweep_in_python([*SHORT, "seed=range(4)", "sweep.filter=seed % 2 == 1"])
    assert [found.run(job).config["seed"] for job in found.jobs] == [1, 3]


@pytest.mark.usefixtures("hours")
def test_a_sweep_in_python_that_runs_out_of_time_has_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sweep_in_python([*SHORT, f"paths.log_dir={tmp_path}", "seed=range(4)", "sweep.max_hours=1"])
    assert found.to_frame()["state"].tolist() == ["done", "not started", "not started", "not started"]
    assert "3 jobs were not started; go on with" in capsys.readouterr().err


def test_a_limit_for_all_sweeps(sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of one's own sets it, and single runs take no notice of it."""
    (tmp_path / "conf" / "local").mkdir(parents=True)
    (tmp_path / "conf" / "local" / "own.yaml").write_text(
        "# @package _global_\nhydra: {callbacks: {sweep: {max_jobs: 2, dry_run: false}}}\n", encoding="utf-8"
    )
    typed = ("--config-dir", str(tmp_path / "conf"), *SHORT, "local=own")
    assert sweep(*typed, "seed=range(3)")[0] == 2
    assert "a sweep must have at most sweep.max_jobs=2 jobs, got 3" in capsys.readouterr().err
    assert not list(tmp_path.glob("*/multiruns"))
    status, folder = sweep(*typed, "seed=range(3)", "sweep.max_jobs=null")
    assert (status, len(find_jobs(folder))) == (0, 3)
    searched = f"hydra.searchpath=['file://{tmp_path}/conf']"
    train_in_python([searched, *typed[2:], f"hydra.run.dir={tmp_path}/run"])
