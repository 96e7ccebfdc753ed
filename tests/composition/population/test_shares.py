"""Shares in processes give what shares one after another give."""

import io
import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from tests.data.mixed_table import mixed
from tests.population.comparing import assert_same_jobs, jobs, sweep

from perceptron.callbacks import progress
from perceptron.composition.population import groups, share_fit
from perceptron.composition.population.groups import Group, divided
from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.composition.population.share_fit import train_together
from perceptron.data.sources import column_roles
from perceptron.data.sources.column_roles import read_columns
from perceptron.training.processes import can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="this machine forks no trainers")
WINE = ["hydra/launcher=population", "data=wine", "model=digits_mlp", "model.network.hidden=[10]", "callbacks=default"]


@pytest.mark.parametrize(
    ("count", "n_processes", "max_members", "sizes"),
    [
        # As many shares as processes, or a multiple; of 64 at most; small groups are not torn apart.
        (64, 2, None, [32, 32]),
        (200, 2, None, [50, 50, 50, 50]),
        (129, 1, None, [43, 43, 43]),
        (7, 2, None, [7]),
        (8, 2, None, [4, 4]),
        (30, 16, None, [4, 4, 4, 4, 4, 5, 5]),
        # What all processes train at once.
        (64, 2, 16, [8] * 8),
        (5, 2, 2, [1] * 5),
        (6, 1, 4, [3, 3]),
    ],
)
def test_a_group_is_divided_evenly(count: int, n_processes: int, max_members: int | None, sizes: list[int]) -> None:
    first = ComposedJob(0, {"trainer": {"accelerator": "cpu"}}, {})
    group = Group("", first, None, range(count))  # type: ignore[arg-type]
    found = divided(group, n_processes=n_processes, max_members=max_members)
    assert sorted(len(share) for share in found) == sorted(sizes)
    assert [number for share in found for number in share] == list(range(count))


def test_a_share_has_as_many_encoded_tables_as_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ComposedJob(0, {"trainer": {"accelerator": "cpu"}}, {})
    table = SimpleNamespace(features=np.zeros((100, 2), dtype=np.float32))
    encoded = SimpleNamespace(datamodule=SimpleNamespace(table=table, schema=SimpleNamespace(encoding=("{}",))))
    # Ten jobs of each of four splits.
    group = Group("", first, encoded, range(40), {number: str(number // 10) for number in range(40)})  # type: ignore[arg-type]
    assert divided(group, n_processes=1, max_members=None) == [list(range(40))]
    monkeypatch.setattr(groups, "_MOST_ENCODED", 2 * 2 * 800)
    assert divided(group, n_processes=1, max_members=None) == [list(range(20)), list(range(20, 40))]
    monkeypatch.setattr(groups, "_MOST_ENCODED", 1)
    assert [len(share) for share in divided(group, n_processes=1, max_members=None)] == [10] * 4


def test_a_sweep_in_processes_equals_one_in_this(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    settings = [*WINE, "seed=range(6)", "optimizer.lr=0.1,0.3", "trainer.max_epochs=3"]
    alone = sweep(monkeypatch, tmp_path / "one", *settings, "trainer.num_threads=1")
    assert any("12 members: jobs 0 to 11" in line for line in said)
    said.clear()
    together = sweep(monkeypatch, tmp_path / "two", *settings, "trainer.num_threads=2")
    assert any("12 members, 6 in each of 2 processes: jobs" in line for line in said)
    assert said[-1].startswith("12 members trained in")
    assert_same_jobs(alone, together)
    provenance = json.loads((jobs(together)[0] / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["seconds"] > 0


def test_a_table_in_a_file_is_read_once_for_all_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    rows = mixed(240, seed=0)
    rows.assign(again=rows.city).to_csv(tmp_path / "churn.csv", index=False)
    count = tmp_path / "count"

    def counted(*arguments, **settings):
        with count.open("a", encoding="utf-8") as file:
            file.write("read ")
        return read_columns(*arguments, **settings)

    monkeypatch.setattr(column_roles, "read_columns", counted)
    settings = [
        "hydra/launcher=population", "data=table", f"data.path={tmp_path / 'churn.csv'}", "data.target=churned",
        "model.network.hidden=[10]", "data.folds=4", "data.fold=range(4)", "seed=0,1", "trainer.max_epochs=2",
    ]  # fmt: skip
    together = sweep(monkeypatch, tmp_path / "two", *settings, "trainer.num_threads=2")
    assert count.read_text(encoding="utf-8") == "read "
    assert any("8 members, 4 in each of 2 processes: jobs 0 to 7" in line for line in said)
    assert [line for line in said if "columns city" in line] == [
        "all jobs: columns city and again are the same; leave one out"
    ]
    alone = sweep(monkeypatch, tmp_path / "one", *settings, "hydra/launcher=basic")
    assert count.read_text(encoding="utf-8") == "read " * 9
    assert_same_jobs(alone, together)


def test_members_that_fail_in_a_process_fail_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    settings = [*WINE, "seed=range(6)", "optimizer.lr=0.1,1e30", "trainer.max_epochs=3", "trainer.num_threads=2"]
    folder = sweep(monkeypatch, tmp_path, *settings, status=1)
    assert said[-1].startswith("12 members trained in")
    assert said[-1].endswith("6 failed")
    assert [(job / "error.txt").is_file() for job in jobs(folder)] == [False, True] * 6


def test_a_process_that_is_killed_leaves_its_jobs_to_be_run_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    parent = os.getpid()

    def dies(pairs, *callbacks, forked=False):
        if os.getpid() != parent and any(job.number == 0 for job, _ in pairs):
            os.kill(os.getpid(), signal.SIGKILL)
        return train_together(pairs, *callbacks, forked=forked)

    monkeypatch.setattr(share_fit, "train_together", dies)
    folder = sweep(monkeypatch, tmp_path, *WINE, "seed=range(8)", "trainer.max_epochs=1", "trainer.num_threads=2")
    assert "jobs 0 to 3 run alone: its process ended with -9" in said
    assert len(list(folder.glob("*/metrics.json"))) == 8


def test_a_job_whose_interpolation_leaves_its_group_runs_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    settings = [*WINE, "seed=2,3", "trainer.max_epochs=${seed}", "logger=none"]
    folder = sweep(monkeypatch, tmp_path, *settings)
    assert "job #1 runs alone: an interpolation gives it other settings than the first job of its group" in said
    runs = [json.loads((job / "provenance.json").read_text(encoding="utf-8")) for job in jobs(folder)]
    assert [run["training"]["epochs"] for run in runs] == [2, 3]


def test_models_of_scikit_learn_run_alone_beside_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    settings = [
        "hydra/launcher=population",
        "data=iris",
        "model=sklearn_logistic,softmax",
        "seed=0,1",
        "trainer.max_epochs=1",
    ]
    folder = sweep(monkeypatch, tmp_path, *settings)
    assert [line for line in said if "alone" in line] == [
        "jobs 0, 1 run alone: scikit-learn fits its model",
    ]
    assert "group 1 of 1: 2 members: jobs 2, 3" in said
    assert len(list(folder.glob("*/metrics.json"))) == 4


def test_a_terminal_shows_the_epochs_of_all_shares(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(file=screen, force_terminal=True, width=100))
    sweep(monkeypatch, tmp_path, *WINE, "seed=range(8)", "trainer.max_epochs=60", "trainer.num_threads=2")
    shown = screen.getvalue()
    assert "epochs of members" in shown
    assert "/480" in shown
    assert "members 8" in shown
