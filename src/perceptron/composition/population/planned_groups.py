"""The groups that a sweep's jobs would form, and one share of them trained for a few epochs in a temporary folder."""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from perceptron.callbacks import EpochClock
from perceptron.composition.population.groups import Group, JobPreparation, divided, group_jobs
from perceptron.composition.population.job_lines import JobLines
from perceptron.composition.population.job_loader import JobLoader
from perceptron.composition.population.member_figures import draw_member, gets_figures
from perceptron.composition.population.multirun_jobs import MultirunJobs
from perceptron.composition.population.run_folder import write_run
from perceptron.composition.population.share_fit import train_together
from perceptron.composition.population.shares import processes_for
from perceptron.composition.settings.plain import replaced
from perceptron.composition.sweeps.job_list import hydras_settings_as_they_were, placed
from perceptron.composition.sweeps.measured_job import MOST_EPOCHS, folder_bytes, folders_elsewhere, strange_parts
from perceptron.errors import UsageError
from perceptron.population import CannotStackError
from perceptron.sweeps.estimate import Measured
from perceptron.training.lightning_messages import silence_lightning


@dataclass(frozen=True, kw_only=True)
class PlannedGroup:
    """A group of a sweep that was not started.

    Attributes:
        numbers: of its jobs.
        n_shares: in which it would be trained.
        max_epochs: of its jobs.
    """

    numbers: Sequence[int]
    n_shares: int
    max_epochs: int


@dataclass(frozen=True, kw_only=True)
class PlannedPopulation:
    """How a population would train the jobs of a sweep.

    Attributes:
        groups: of the jobs that are trained side by side.
        alone: why a job runs alone, by its number.
        n_processes: that train at the same time.
        n_measured: members of the share that was measured.
        measured: a share of the first group; None if there is none, or its training failed.
    """

    groups: Sequence[PlannedGroup]
    alone: Mapping[int, str]
    n_processes: int
    n_measured: int
    measured: Measured | None


def plan_population(
    config: DictConfig,
    loader: ConfigLoader,
    overrides: Sequence[Sequence[str]],
    *,
    left: Iterable[int],
    max_members: int | None,
    folder: Path,
) -> PlannedPopulation:
    """Group the jobs as the launcher would, and measure a share of the first group.

    Args:
        config: the multirun's, with ``hydra``.
        loader: Hydra's.
        overrides: of each job.
        left: numbers of the jobs that are to be run.
        max_members: of the launcher.
        folder: for what is written meanwhile.
    """
    reasons: dict[int, str] = {}

    def report(number: int, error: Exception) -> None:
        why = "" if isinstance(error, CannotStackError) else "it fails: "
        reasons[number] = f"{why}{str(error).partition(chr(10))[0]}"

    silence_lightning()
    with hydras_settings_as_they_were():
        jobs = MultirunJobs(JobLoader(loader), placed(config, str(folder)), overrides)
        preparation = JobPreparation(jobs, report)
        found, _ = group_jobs(jobs, left, preparation)
        lines = JobLines(jobs.numbers)
        groups = [group for group in (_without_alone(group, preparation, lines) for group in found) if group.numbers]
        lines.say(of_all="all jobs: ")
        n_processes = processes_for(groups, max_members=max_members)
        shares = [divided(group, n_processes=n_processes, max_members=max_members) for group in groups]
        measured = _measured(groups[0], shares[0][0], preparation, folder, forked=n_processes > 1) if groups else None
    planned = [
        PlannedGroup(
            numbers=sorted(group.numbers), n_shares=len(parts), max_epochs=group.first.config["trainer"]["max_epochs"]
        )
        for group, parts in zip(groups, shares, strict=True)
    ]
    return PlannedPopulation(
        groups=planned,
        alone=dict(sorted(reasons.items())),
        n_processes=n_processes,
        n_measured=len(shares[0][0]) if groups else 0,
        measured=measured,
    )


def _without_alone(group: Group, preparation: JobPreparation, lines: JobLines) -> Group:
    """A group without those of its jobs that turn out to run alone once they are composed and built.

    Args:
        group: found.
        preparation: builds the members.
        lines: gets the warnings about the data of those that are left.
    """
    left = []
    for number in group.numbers:
        prepared = preparation.prepare(number, group.key)
        if prepared is not None:
            left.append(number)
            lines.add(prepared[1].warnings, [number])
    return replace(group, numbers=left)


def _measured(
    group: Group, share: Sequence[int], preparation: JobPreparation, folder: Path, *, forked: bool
) -> Measured | None:
    clock, started = EpochClock(), time.perf_counter()
    prepared = [preparation.prepare(number, group.key) for number in share]
    pairs = [pair for pair in prepared if pair is not None]
    n_epochs = min(MOST_EPOCHS, int(group.first.config["trainer"]["max_epochs"]))
    short: dict[str, Any] = {"trainer.max_epochs": n_epochs}
    short_pairs = [(replace(job, config=replaced(job.config, short)), member) for job, member in pairs]
    fit = train_together(short_pairs, clock, forked=forked)
    if fit is None or not clock.seconds:
        return None
    seconds = time.perf_counter() - started
    job, member = short_pairs[0]
    job_bytes = math.nan
    # Others would write elsewhere.
    if not [*strange_parts(job.config), *folders_elsewhere(job.config, folder)]:
        if job.draws_figures:
            # Which a process does once.
            import_module("perceptron.figures.run_figures")
        started = time.perf_counter()
        job.write_hydra_files()
        # A member that has failed leaves its files, too.
        with suppress(UsageError):
            write_run(job, member, fit)
        if gets_figures(job):
            draw_member(job, member, fit)
        seconds += (time.perf_counter() - started) * len(pairs)
        job_bytes = folder_bytes(job.folder)
    return Measured(
        epoch_seconds=clock.seconds[-1],
        n_epochs=len(clock.seconds),
        other_seconds=max(0.0, seconds - sum(clock.seconds)),
        job_bytes=job_bytes,
    )
