"""Failed jobs of the same error are told together."""

from pathlib import Path

import yaml

from perceptron.sweeps.failures import Failure, failures, in_words
from perceptron.sweeps.job_folders import Job


def failed(folder: Path, why: str, *overrides: str) -> Job:
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra/overrides.yaml").write_text(yaml.safe_dump(list(overrides)), encoding="utf-8")
    (folder / "error.txt").write_text(f"{why}\n\nTraceback", encoding="utf-8")
    return Job(folder)


def test_numbers_of_jobs() -> None:
    assert in_words([7, 0, 2, 1, 9, 10]) == "0 to 2, 7, 9, 10"


def test_jobs_of_the_same_error(tmp_path: Path) -> None:
    """Sweeps have jobs of the same names, and a job's name may be none of a number."""
    jobs = [
        failed(tmp_path / "a/0", "no room", "data=wine", "seed=0"),
        failed(tmp_path / "a/1", "too hot", "data=iris", "seed=1"),
        *(failed(tmp_path / f"a/{number}", "no room", "data=wine", f"seed={number}") for number in (2, 3, 4)),
        failed(tmp_path / "b/0", "no room", "seed=0"),
        failed(tmp_path / "c/seed=0", "no room", "seed=0"),
        failed(tmp_path / "c/seed=1", "no room", "seed=1"),
    ]
    assert failures(jobs) == [
        Failure("0, 2 to 4", ["data=wine"], "no room"),
        Failure("1", ["data=iris", "seed=1"], "too hot"),
        Failure("0", ["seed=0"], "no room"),
        Failure("seed=0, seed=1", [], "no room"),
    ]
