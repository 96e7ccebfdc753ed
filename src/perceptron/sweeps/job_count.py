"""``jobs.json`` of a sweep: all its jobs, also those that have not started. Imports nothing heavy."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from perceptron.errors import UsageError
from perceptron.files.plain_values import read_values, write_json
from perceptron.invocation import for_shell, training_command
from perceptron.sweeps.job_folders import Job, State, differing, find_jobs, texts_of_settings

NAME = "jobs.json"


class JobCount(NamedTuple):
    """The jobs of a sweep.

    Attributes:
        n_jobs: their number.
        overrides: of each job, by its number, as Hydra stores them in the job's folder; empty for a search, which draws
            them as it goes.
    """

    n_jobs: int
    overrides: Sequence[Sequence[str]]


def write_job_count(folder: Path, n_jobs: int, overrides: Sequence[Sequence[str]] = ()) -> None:
    """Store the jobs of a sweep in its folder, see ``JobCount``."""
    write_json(folder / NAME, {"n_jobs": n_jobs, "overrides": list(map(list, overrides))})


def read_job_count(folder: Path) -> JobCount | None:
    """The jobs of a sweep; None where an earlier version wrote none, or the file cannot be read."""
    try:
        values: Any = read_values(folder / NAME)
        overrides = [list(map(str, job)) for job in values["overrides"]]
        return JobCount(int(values["n_jobs"]), overrides)
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def varied_settings(jobs: Iterable[Job], sweeps: Iterable[Path]) -> list[str]:
    """Names of the settings that sweeps vary, also where only a job that failed or has not started has another value.

    Args:
        jobs: that have started; those whose command line cannot be read are left out.
        sweeps: folders of their sweeps. A search does not know the settings of jobs that it has not started.
    """
    listed = (found.overrides for sweep in sweeps if (found := read_job_count(sweep)) is not None)
    settings = [texts_of_settings(overrides) for of_sweep in listed for overrides in of_sweep]
    for job in jobs:
        with suppress(UsageError):
            settings.append(texts_of_settings(job.overrides))
    return differing(settings)


def count_not_started(folder: Path, jobs: Sequence[Job]) -> int:
    """Number of jobs of a sweep that have not started; 0 where it is not known how many it has.

    Args:
        folder: of the sweep.
        jobs: that have started.
    """
    found = read_job_count(folder)
    return 0 if found is None else max(0, found.n_jobs - len(jobs))


def incomplete(folder: Path, jobs: Sequence[Job]) -> str | None:
    """How many jobs of a sweep have ended, where some have not; None where all have.

    Args:
        folder: of the sweep.
        jobs: that have started.
    """
    not_started = count_not_started(folder, jobs)
    states = [job.state for job in jobs]
    if not not_started and State.RUNNING not in states:
        return None
    counts = {
        "failed": states.count(State.FAILED),
        "pruned": states.count(State.PRUNED),
        "interrupted": states.count(State.RUNNING),
        "not started": not_started,
    }
    done = f"{states.count(State.DONE)} of {len(jobs) + not_started} jobs done"
    return f"incomplete: {', '.join([done, *(f'{count} {name}' for name, count in counts.items() if count)])}"


def lacks_nothing(folder: Path) -> bool:
    """Whether all jobs of a sweep are known to have ended without a failure."""
    jobs = find_jobs(folder)
    all_are_known = read_job_count(folder) is not None
    return all_are_known and incomplete(folder, jobs) is None and State.FAILED not in [job.state for job in jobs]


def advice(folder: Path) -> str:
    """The command that runs what a sweep lacks."""
    return f"{training_command()} -m {for_shell('sweep.resume', folder)}"
