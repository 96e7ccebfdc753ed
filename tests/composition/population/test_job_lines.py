"""What is said about the data of jobs: in the log of each, and once for all of them."""

import json
import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.population.comparing import jobs, sweep

from perceptron.composition.population.job_lines import JobLines
from perceptron.training.processes import can_fork

POPULATION = "hydra/launcher=population"
_ENTRY = re.compile(r"\[[^]]*\](\[perceptron[^]]*\]\[[A-Z]+\] .*)")


@pytest.fixture
def table(tmp_path: Path) -> list[str]:
    """Settings of a table with a column that varies in the training rows of some folds alone."""
    noise = np.random.default_rng(0)
    rare = np.zeros(60)
    rare[[1, 10]] = 1
    target = np.where(noise.random(60) > 0.5, "yes", "no")
    frame = pd.DataFrame({"x": noise.normal(size=60), "rare": rare, "answer": target})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return ["data=table", f"data.path={tmp_path / 'rows.csv'}", "data.target=answer", "trainer.max_epochs=1",
            "model.network.hidden=[5]", "logger=none"]  # fmt: skip


def _entries(job: Path) -> list[str]:
    """The entries of a job's log without their times."""
    lines = (job / "train.log").read_text(encoding="utf-8").splitlines()
    return [found[1] for found in map(_ENTRY.fullmatch, lines) if found]


@pytest.mark.skipif(not can_fork(), reason="this machine forks no trainers")
def test_what_concerns_some_jobs_names_them_and_stands_in_their_logs(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    table: list[str],
    said: list[str],
) -> None:
    typed = [*table, "data.folds=5", "data.fold=range(5)", "seed=0,1", "trainer.num_threads=2"]
    folder = sweep(monkeypatch, tmp_path / "together", POPULATION, *typed)
    found = jobs(folder)
    warning = "column rare does not vary over the training rows; it is left out"
    reports = [json.loads((job / "data_report.json").read_text(encoding="utf-8"))["warnings"] for job in found]
    concerned = [number for number, warnings in enumerate(reports) if warning in warnings]
    assert concerned == [4, 5, 8, 9]
    assert [line for line in said if warning in line] == [f"jobs 4, 5, 8, 9: {warning}"]
    task = "task: binary, because the target has two distinct values; data.task sets another"
    assert said[0] == task
    assert said[1].startswith("experiment=table sets the defaults for your own table")
    alone = sweep(monkeypatch, tmp_path / "alone", *typed)
    for job, twin in zip(found, jobs(alone), strict=True):
        entries = _entries(job)
        assert entries == _entries(twin)
        assert entries[0] == f"[perceptron.training.result_files][INFO] {task}"
        assert entries[-1] == "[perceptron.runs.results_table][INFO] auto on table, 1 epochs"
        assert any(warning in entry for entry in entries) == (int(job.name) in concerned)
        log = (job / "train.log").read_text(encoding="utf-8")
        loss = json.loads((job / "metrics.json").read_text(encoding="utf-8"))["train/loss"]
        assert f"loss = log_loss    {loss:.4f}" in log
        assert "\ntraining    stopped at its 1 epoch" in log


def test_one_split_is_told_before_the_training_and_rates_that_differ_are_named(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    table: list[str],
    said: list[str],
) -> None:
    typed = [*table, "data.folds=5", "data.fold=2", "optimizer.lr=0.01,0.1", "seed=0,1"]
    folder = sweep(monkeypatch, tmp_path, POPULATION, *typed)
    assert "column rare does not vary over the training rows; it is left out" in said[:3]
    assert [line.partition(": ")[0] for line in said if "rate 0.01" in line] == ["jobs 0, 1"]
    assert [["rate 0.01," in line or "rate 0.1," in line for line in _entries(job)].count(True) for job in
            jobs(folder)] == [1] * 4  # fmt: skip
    assert "rate 0.1," in "".join(_entries(jobs(folder)[3]))


def test_a_split_by_an_interpolation_is_told_once_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    table: list[str],
    said: list[str],
) -> None:
    typed = [*table, "data.folds=5", "data.fold=${seed}", "optimizer.lr=${oc.select:seed}", "seed=1,2,3"]
    sweep(monkeypatch, tmp_path, POPULATION, *typed)
    (line,) = [line for line in said if "column rare" in line]
    assert line.startswith("job 1: ")
    assert [line.partition(": ")[0] for line in said if "experiment=table" in line] == ["job 0"]


def test_equal_lines_are_one_that_names_their_jobs(caplog: pytest.LogCaptureFixture) -> None:
    lines = JobLines(range(10))
    with caplog.at_level(logging.INFO):
        lines.add(["a", "b"], [0, 1, 2])
        lines.add(["a"], range(10), logging.INFO)
        lines.say()
        lines.add(["a", "b"], [2])
        lines.add(["b"], [3])
        lines.add(["b"], [7])
        lines.add(["c"], range(10))
        lines.say(of_all="all jobs: ")
    assert caplog.messages == ["a", "jobs 0 to 2: b", "jobs 3, 7: b", "all jobs: c"]
