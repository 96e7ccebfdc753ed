"""A sweep in Python says what its folder, its summary and its runs say."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perceptron import UsageError, load_run, load_sweep

LAST = ["seconds", "state", "error"]


def _check_against_files(folder: Path, settings: list[str]) -> pd.DataFrame:
    sweep = load_sweep(folder)
    frame = sweep.to_frame()
    assert list(frame.columns[: len(settings)]) == settings
    assert list(frame.columns[-3:]) == LAST
    for job, row in frame.iterrows():
        own = folder / str(job)
        metrics = json.loads((own / "metrics.json").read_text(encoding="utf-8")) if row["state"] == "done" else {}
        found = {name: row[name] for name in frame.columns if name not in (*settings, *LAST)}
        assert {name: value for name, value in found.items() if not np.isnan(value)} == metrics
        assert sweep.run(str(job)).state == row["state"]
    summary = pd.read_csv(folder / "summary.csv")
    pd.testing.assert_frame_equal(sweep.summary(), summary)
    done = frame[frame["state"] == "done"]
    without_draws = [name for name in settings if name not in ("seed", "data.split_seed", "data.fold")]
    means = done.groupby(without_draws)["val/loss"].mean() if without_draws else [done["val/loss"].mean()]
    np.testing.assert_allclose(np.sort(np.asarray(means)), np.sort(summary["val/loss mean"]), rtol=1e-6)
    return frame


def test_a_finished_sweep(swept) -> None:
    frame = _check_against_files(swept("optimizer.lr=0.1,0.001", "seed=0,1"), ["optimizer.lr", "seed"])
    assert frame["optimizer.lr"].tolist() == [0.1, 0.1, 0.001, 0.001]
    assert frame["seed"].tolist() == [0, 1, 0, 1]
    assert frame.index.tolist() == [0, 1, 2, 3]
    assert (frame["error"] == "").all()


def test_a_sweep_with_failed_jobs(swept) -> None:
    folder = swept("optimizer.lr=0.1,3e38")
    frame = _check_against_files(folder, ["optimizer.lr"])
    assert frame["state"].tolist() == ["done", "failed"]
    # The rate that failed is no row of the ranking, but the other is told by its rate.
    assert load_sweep(folder).summary()["optimizer.lr"].tolist() == [0.1]
    assert "|  # | lr | val/loss |".replace("  ", " ") in (folder / "summary.md").read_text(encoding="utf-8")
    failures = load_sweep(folder).failures
    assert list(failures.columns) == ["optimizer.lr", "error"]
    assert failures["error"].tolist() == [(folder / "1/error.txt").read_text(encoding="utf-8").splitlines()[0]]


def test_a_killed_sweep(swept, tmp_path: Path) -> None:
    folder = shutil.copytree(swept("optimizer.lr=0.1,0.001", "seed=0,1"), tmp_path / "sweep")
    for name in ("2/metrics.json", "3/metrics.json", "summary.csv"):
        (folder / name).unlink()
    sweep = load_sweep(folder)
    frame = sweep.to_frame()
    assert frame["state"].tolist() == ["done", "done", "running", "running"]
    assert frame.loc[2:, "val/loss"].isna().all()
    assert frame.loc[2:, "optimizer.lr"].tolist() == [0.001, 0.001]
    assert repr(sweep) == f"SweepResult({str(folder)!r}, 2 running, 2 done)"
    assert len(sweep.summary()) == 1
    # From the checkpoints of those that did not finish.
    assert sorted(sweep.history()["job"].unique()) == [0, 1, 2, 3]
    for number in range(4):
        (folder / f"{number}/metrics.json").unlink(missing_ok=True)
    with pytest.raises(UsageError, match="a ranking needs finished jobs, got none"):
        sweep.summary()


@pytest.mark.parametrize("launcher", ["basic", "population"])
def test_the_jobs_that_a_killed_sweep_has_not_started(swept, tmp_path: Path, launcher: str) -> None:
    # References and repeated values are stored in other words than they were typed.
    settings = ("data.split_seed=${seed}", "+optimizer.momentum=choice(0,0.5)", "seed=range(2)", "figures='none'")
    whole = swept(f"hydra/launcher={launcher}", *settings)
    folder = shutil.copytree(whole, tmp_path / "sweep")
    for name in ("1", "3"):
        shutil.rmtree(folder / name)
    (folder / "2/metrics.json").unlink()
    sweep = load_sweep(folder)
    frame, expected = sweep.to_frame(), load_sweep(whole).to_frame()
    names = ["optimizer.momentum", "seed"]
    pd.testing.assert_frame_equal(frame[names], expected[names])
    assert frame["state"].tolist() == ["done", "not started", "running", "not started"]
    assert frame.loc[[1, 3], "error"].tolist() == ["", ""]
    assert list(sweep.jobs) == ["0", "2"]
    assert (len(sweep), repr(sweep)) == (4, f"SweepResult({str(folder)!r}, 1 running, 1 done, 2 not started)")
    assert sorted(sweep.history()["job"].unique()) == [0, 2]
    assert sweep.history()["seed"].unique().tolist() == [0]
    with pytest.raises(UsageError, match="a job must be one that the sweep has started, got 3"):
        sweep.run(3)


def test_the_jobs_of_a_filtered_sweep_that_have_not_started(swept, tmp_path: Path) -> None:
    folder = shutil.copytree(swept("seed=range(3)", "sweep.filter=seed > 0"), tmp_path / "sweep")
    assert load_sweep(folder).to_frame()["seed"].tolist() == [1, 2]
    shutil.rmtree(folder / "0")
    frame = load_sweep(folder).to_frame()
    assert (frame.index.tolist(), frame["state"].tolist()) == ([0, 1], ["not started", "done"])
    assert frame["seed"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        "[]",
        "{",
        '{"n_jobs": "many", "overrides": []}',
        '{"n_jobs": Infinity, "overrides": []}',
        '{"n_jobs": 9, "overrides": 3}',
    ],
)
def test_a_sweep_whose_list_of_jobs_cannot_be_read(swept, tmp_path: Path, damaged: str | None) -> None:
    """Those that were started are there."""
    folder = shutil.copytree(swept("optimizer.lr=0.1,0.001", "seed=0,1"), tmp_path / "sweep")
    shutil.rmtree(folder / "3")
    if damaged is None:
        (folder / "jobs.json").unlink()
    else:
        (folder / "jobs.json").write_text(damaged, encoding="utf-8")
    assert load_sweep(folder).to_frame()["state"].tolist() == ["done"] * 3


def test_a_population(swept) -> None:
    settings = ("optimizer.lr=0.1,0.001", "seed=0,1")
    folder = swept("hydra/launcher=population", *settings)
    assert {"population"} == {load_run(folder / "0").provenance["chosen"].get("x", "population")}
    _check_against_files(folder, ["optimizer.lr", "seed"])
    alone = load_sweep(swept(*settings)).history()
    beside = load_sweep(folder).history()
    keys = ["job", "epoch", "metric"]
    pd.testing.assert_frame_equal(
        beside.sort_values(keys, ignore_index=True), alone.sort_values(keys, ignore_index=True), rtol=1e-4
    )


def test_a_search(swept) -> None:
    pytest.importorskip("optuna")
    folder = swept("hparams_search=optuna", "hydra.sweeper.n_trials=3")
    frame = _check_against_files(folder, ["optimizer.lr", "optimizer.weight_decay", "data.batch_size"])
    assert frame["optimizer.lr"].nunique() == 3


def test_the_history_of_all_jobs_is_that_of_each(swept) -> None:
    sweep = load_sweep(swept("optimizer.lr=0.1,0.001", "seed=0,1"))
    history = sweep.history()
    assert list(history.columns) == ["job", "optimizer.lr", "seed", "epoch", "metric", "value"]
    own = history[history["job"] == 2].pivot_table(index="epoch", columns="metric", values="value")
    alone = sweep.run(2).history
    pd.testing.assert_frame_equal(own[sorted(alone)], alone[sorted(alone)], check_names=False)
    with pytest.raises(UsageError, match="a job must be one that the sweep has started, got 9"):
        sweep.run(9)


def test_a_comparison_is_that_of_the_command(swept, tmp_path: Path, perceptron) -> None:
    folder = swept("optimizer.lr=0.1,0.001", "seed=0,1")
    sweep = load_sweep(folder)
    assert perceptron("compare", folder, "by=test/auroc", f"output={tmp_path}/compared").status == 0
    pd.testing.assert_frame_equal(sweep.compare(by="test/auroc"), pd.read_csv(tmp_path / "compared/compare.csv"))
    with pytest.raises(UsageError, match=r"by must be a metric of the runs, .* got test/ac; did you mean test/acc\?"):
        sweep.compare(by="test/ac")


def test_the_best_is_that_of_the_command(swept) -> None:
    sweep = load_sweep(swept("optimizer.lr=0.1,0.001", "seed=0,1"))
    best = sweep.to_frame()["val/loss"].idxmin()
    assert sweep.best.folder == sweep.folder / str(best)


def test_values_are_read_as_they_were_typed(swept, tmp_path: Path) -> None:
    folder = shutil.copytree(swept("optimizer.lr=0.1,0.001", "seed=0,1"), tmp_path / "sweep")
    # It names other jobs than those below.
    (folder / "jobs.json").unlink()
    texts = ["1e-3", "'a b'", "[50,50]", "true"]
    for number, text in enumerate(texts):
        overrides = f"- optimizer.lr={text}\n" + ("- +more=null\n" if number == 0 else "")
        (folder / f"{number}/.hydra/overrides.yaml").write_text(overrides.replace("={", "='{"), encoding="utf-8")
    frame = load_sweep(folder).to_frame()
    assert frame["optimizer.lr"].tolist() == [0.001, "a b", "[50,50]", True]
    assert frame["more"].isna().all()


def test_a_folder_that_is_no_sweep_is_refused(swept, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must be a multirun's folder, got .*, which is none"):
        load_sweep(tmp_path / "nothing")
    with pytest.raises(UsageError, match="which is a run's; use load_run"):
        load_sweep(swept("optimizer.lr=0.1,0.001", "seed=0,1") / "0")
    with pytest.raises(UsageError, match="a sweep must have jobs, got none"):
        load_sweep(tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "one/multirun.yaml").touch()
    with pytest.raises(UsageError, match="which has sweeps in it; name one"):
        load_sweep(tmp_path)


def test_reading_a_sweep_does_not_import_torch(swept) -> None:
    program = """
import sys
import perceptron
sweep = perceptron.load_sweep(sys.argv[1])
assert len(sweep.to_frame()) == 4 and len(sweep.history()) and len(sweep.summary()) == 2 and sweep.best.metrics
assert not {"torch", "lightning", "matplotlib"} & set(sys.modules)
"""
    folder = swept("optimizer.lr=0.1,0.001", "seed=0,1")
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True)


def test_without_xarray_one_line_says_so(swept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(UsageError, match="to_xarray needs xarray, got none"):
        load_sweep(swept("optimizer.lr=0.1,0.001", "seed=0,1")).to_xarray()


def test_a_data_set_has_a_dimension_for_each_setting(swept) -> None:
    pytest.importorskip("xarray")
    found = load_sweep(swept("optimizer.lr=0.1,0.001", "seed=0,1")).to_xarray()
    assert dict(found.sizes) == {"optimizer.lr": 2, "seed": 2}
