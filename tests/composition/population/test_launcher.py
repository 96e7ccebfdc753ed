"""What the launcher says of jobs that are numbered by their trials, and of those that have finished."""

import sys
from pathlib import Path

import pytest
from tests.composition.population.multiruns import multirun
from tests.population.comparing import jobs, sweep

from perceptron.composition.command_line import main
from perceptron.composition.population.job_loader import JobLoader
from perceptron.composition.population.multirun_jobs import MultirunJobs

SHORT = ["hydra/launcher=population", "data=wine", "model=digits_mlp", "trainer.max_epochs=1", "logger=none"]


def test_lines_name_a_trial_by_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]) -> None:
    pytest.importorskip("optuna")
    settings = ["hparams_search=optuna", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=2"]
    folder = sweep(monkeypatch, tmp_path, *SHORT, *settings, "sweep.filter=optimizer.lr > 0.3")
    numbers = [int(job.name) for job in jobs(folder)]
    # Otherwise the trials would have the numbers under which they are launched.
    assert numbers[1] != numbers[0] + 1 or numbers[3] != numbers[2] + 1
    groups = [line.partition(": ")[2] for line in said if line.startswith("group ")]
    named = [int(word) for text in groups for word in text.partition("job")[2].lstrip("s ").split(", ")]
    assert sorted(named) == numbers


def test_a_job_has_the_number_that_names_its_folder(tmp_path: Path) -> None:
    with multirun([f"hydra.sweep.dir={tmp_path}", "seed=1,2,3"]) as (hydras, master, overrides):
        own = [overrides[0], [*overrides[1], "hydra.sweep.subdir=14"], [*overrides[2], "hydra.sweep.subdir='s'"]]
        found = MultirunJobs(JobLoader(hydras), master, own, first=5)
        assert list(found.numbers) == [5, 14, 7]
        job = found.job(14)
        assert (job.number, job.folder.name, job.config["seed"]) == (14, "14", 2)
        assert found.for_hydra(14).hydra.job.num == 14


def test_finished_jobs_are_counted_and_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    folder = sweep(monkeypatch, tmp_path, *SHORT, "seed=range(4)")
    for number in (1, 2):
        (folder / str(number) / "metrics.json").unlink()
        (folder / str(number) / "checkpoints" / "last.ckpt").unlink(missing_ok=True)
    said.clear()
    monkeypatch.setattr(sys, "argv", ["train.py", f"sweep.resume={folder}"])
    main()
    assert [line for line in said if "task: " not in line and "trained in" not in line] == [
        "2 of the 4 jobs have finished",
        "group 1 of 1: 2 members: jobs 1, 2",
    ]
    assert len(list(folder.glob("*/metrics.json"))) == 4
