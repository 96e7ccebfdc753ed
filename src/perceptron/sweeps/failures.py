"""The failed jobs of a sweep, those of the same error together. Imports nothing heavy."""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from perceptron.sweeps.job_folders import Job


class Failure(NamedTuple):
    """Jobs that failed for the same reason.

    Attributes:
        jobs: their names, such as ``0 to 3, 7``.
        overrides: that all of them have.
        reason: in one line.
    """

    jobs: str
    overrides: Sequence[str]
    reason: str


def failures(failed: Iterable[Job]) -> list[Failure]:
    """The failed jobs by sweep and reason, in the order of the first of each."""
    groups: dict[tuple[Path, str], list[Job]] = {}
    for job in failed:
        groups.setdefault((job.folder.parent, job.reason), []).append(job)
    return [Failure(_names(jobs), _common(jobs), reason) for (_, reason), jobs in groups.items()]


def in_words(numbers: Iterable[int]) -> str:
    """Numbers of jobs, such as ``0 to 3, 7, 9 to 12``."""
    # Consecutive numbers differ from their positions by the same amount.
    runs = [[number for _, number in run] for _, run in groupby(enumerate(sorted(numbers)), lambda at: at[1] - at[0])]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def named_jobs(numbers: Collection[int]) -> str:
    """Jobs by their numbers, such as ``job 3`` and ``jobs 0 to 3, 7``."""
    return f"job{'' if len(numbers) == 1 else 's'} {in_words(numbers)}"


def _names(jobs: Sequence[Job]) -> str:
    names = [job.folder.name for job in jobs]
    return in_words(map(int, names)) if all(map(str.isdecimal, names)) else ", ".join(names)


def _common(jobs: Sequence[Job]) -> list[str]:
    first, *others = [job.setting_overrides for job in jobs]
    return [text for text in first if all(text in other for other in others)]
