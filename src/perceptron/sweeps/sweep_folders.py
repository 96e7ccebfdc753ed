"""The folders of sweeps, told from those of runs and from those that hold several sweeps. Imports nothing heavy."""

from collections.abc import Iterable
from pathlib import Path

from perceptron.errors import UsageError
from perceptron.sweeps.job_folders import Job

# In the folder of every multirun.
_COMMAND = "multirun.yaml"


def check_sweep_folder(folder: Path, *, of_a_run: str) -> None:
    """Refuse a folder that is no sweep's.

    Args:
        folder: to check. One without ``multirun.yaml`` passes if there is none below it either: its jobs can be read.
        of_a_run: what to do with the folder of a run, such as ``use load_run``.

    Raises:
        UsageError: if it is no folder, that of a run, or one that holds sweeps.
    """
    rule = f"a sweep must be a multirun's folder, got {folder}, which"
    if not folder.is_dir():
        raise UsageError(f"{rule} is none; name another")
    if (folder / "config.yaml").is_file():
        raise UsageError(f"{rule} is a run's; {of_a_run}")
    inner = None if (folder / _COMMAND).is_file() else next(folder.rglob(_COMMAND), None)
    if inner is not None:
        raise UsageError(f"{rule} has sweeps in it; name one of them, such as {inner.parent}")


def jobs_by_sweep(folder: Path, jobs: Iterable[Job]) -> dict[Path, list[Job]]:
    """The sweeps in a folder, which may be one itself, each with its jobs.

    Args:
        folder: where to look.
        jobs: in this folder; those of no sweep are left out.
    """
    found: dict[Path, list[Job]] = {}
    for job in jobs:
        sweep = sweep_of(job.folder)
        if sweep is not None and sweep.is_relative_to(folder):
            found.setdefault(sweep, []).append(job)
    return found


def sweep_of(job: Path) -> Path | None:
    """The folder of the sweep that a job's folder lies in; None where it lies in none."""
    return next((parent for parent in job.parents if (parent / _COMMAND).is_file()), None)
