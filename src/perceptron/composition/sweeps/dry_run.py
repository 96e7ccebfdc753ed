"""``sweep.dry_run=true``: what a sweep would run, how, and about how long. Only temporary folders are written to."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.population.job_loader import JobLoader
from perceptron.composition.population.multirun_jobs import MultirunJobs
from perceptron.composition.settings.output_folders import existing_sweep
from perceptron.composition.settings.plain import find
from perceptron.composition.settings.sweep_options import sweep_options
from perceptron.composition.sweeps.checked_space import (
    admission_of,
    check_space,
    need_optuna,
    space_of,
)
from perceptron.composition.sweeps.job_list import JobList, hydras_settings_as_they_were, placed
from perceptron.composition.sweeps.measured_job import CannotMeasureError, measure_job
from perceptron.composition.sweeps.time_limit import TimeLimit
from perceptron.sweeps.estimate import Measured, duration, size
from perceptron.sweeps.failures import in_words, named_jobs
from perceptron.sweeps.job_folders import State, find_jobs
from perceptron.terminal.status import show
from perceptron.terminal.text import say

_MOST_LINES = 10
# The settings on which the duration of an epoch depends.
_KIND = ("data.dataset", "data.batch_size", "model", "optimizer._target_", "trainer.accelerator", "trainer.precision")


def print_plan(config: DictConfig, loader: ConfigLoader, listed: JobList | None, n_jobs: int) -> None:
    """Print the plan of a multirun.

    Args:
        config: the multirun's, with ``hydra``.
        loader: Hydra's.
        listed: its jobs; None for a search, of which the first batch is drawn.
        n_jobs: their number, or that of the trials.

    Raises:
        UsageError: if the space of a search is not valid.
    """
    folder = existing_sweep(config)
    left = None if listed is None else _unfinished(config, loader, listed.jobs, folder)
    if left is not None:
        n_done = n_jobs - len(left)
    else:
        # A search runs no trial again that has ended.
        n_done = 0 if folder is None else sum(job.state != State.RUNNING for job in find_jobs(folder))
    if n_done >= n_jobs:
        say(f"nothing is left to run: all {n_jobs} jobs in {folder} have ended; nothing was written")
        return
    for label, text in _lines(config, loader, listed, left, n_jobs=n_jobs, n_done=n_done):
        say(f"{label:<10}  {text}")
    say("nothing was written; leave out sweep.dry_run to run it")


def _lines(
    config: DictConfig,
    loader: ConfigLoader,
    listed: JobList | None,
    left: Sequence[int] | None,
    *,
    n_jobs: int,
    n_done: int,
) -> Iterator[tuple[str, str]]:
    """The lines of a plan: what each is about, and its text; ``left`` are the numbers of the listed jobs to be run."""
    jobs: Sequence[Sequence[str]]
    if listed is None:
        jobs = _first_batch(config, loader, n_jobs)
        searched = {dimension.key for dimension in space_of(config, loader).dimensions}
        yield "jobs", f"{n_jobs} trials at most, {len(jobs)} at a time"
        drawn = " ".join(text for text in jobs[0] if text.partition("=")[0] in searched)
        yield "search", f"the first is {drawn}; later ones depend on the results"
        if sweep_options(config).filter is not None:
            yield "left out", "what is drawn and does not meet sweep.filter; it does not count"
    else:
        jobs = listed.jobs
        common = set(jobs[0]).intersection(*jobs)
        first, last = ([text for text in job if text not in common] for job in (jobs[0], jobs[-1]))
        yield "jobs", f"{n_jobs}, from {' '.join(first)} to {' '.join(last)}" if n_jobs > 1 else "1"
        if listed.n_left_out:
            yield "left out", f"{listed.n_left_out} of {n_jobs + listed.n_left_out} combinations by sweep.filter"
    if n_done:
        yield "finished", f"{n_done} in {existing_sweep(config)}, which are not run again"
    show("measuring a few epochs")
    lines = _population if _launcher(config) == "population" else _one_by_one
    yield from lines(config, loader, jobs, range(len(jobs)) if left is None else left, n_left=n_jobs - n_done)
    hours = sweep_options(config).max_hours
    if hours is not None:
        yield "limit", f"no job is started after sweep.max_hours={hours:g}"


def _one_by_one(
    config: DictConfig, loader: ConfigLoader, jobs: Sequence[Sequence[str]], left: Sequence[int], *, n_left: int
) -> Iterator[tuple[str, str]]:
    """The lines of a sweep each of whose jobs is a run of its own.

    Args:
        config: the multirun's, with ``hydra``.
        loader: Hydra's.
        jobs: overrides of each that is known.
        left: numbers of those that are to be run.
        n_left: number of all that are to be run.
    """
    n_at_once, how = _at_once(config, n_left)
    yield "launcher", how
    # Otherwise a process runs job after job.
    starts_each = _launcher(config).startswith("submitit")
    kinds, epochs = _kinds_and_epochs(config, loader, [jobs[number] for number in left])
    first = left[0]
    try:
        measured = measure_job(config, loader, jobs[first])
    except CannotMeasureError as error:
        yield "estimate", f"none of time and disk, from job {first}: {error}"
        return
    yield "measured", _as_measured(measured, f"job {first}")
    others = sum(kind != kinds[0] for kind in kinds)
    if others:
        yield "assumed", f"that the {others} jobs of another model, table, batch size or optimizer are like job {first}"
    seconds, n_bytes = _for_jobs(measured, epochs)
    # Of a search, all trials are like those of its first batch.
    share = n_left / len(left)
    n_starts = n_left if starts_each else n_at_once or 1
    yield from _totals(seconds * share + n_starts * measured.start_seconds, n_bytes * share, n_at_once=n_at_once)


def _population(
    config: DictConfig, loader: ConfigLoader, jobs: Sequence[Sequence[str]], left: Sequence[int], *, n_left: int
) -> Iterator[tuple[str, str]]:
    """The lines of a sweep that is trained side by side; see ``_one_by_one``."""
    # Imported here, because it imports torch.
    from perceptron.composition.population.planned_groups import plan_population

    with TemporaryDirectory(prefix="perceptron-plan-") as name:
        max_members = config.hydra.launcher.max_members
        found = plan_population(config, loader, jobs, left=left, max_members=max_members, folder=Path(name))
    count = f", {found.n_processes} processes" if found.n_processes > 1 else ""
    yield "launcher", f"population{count}"
    for number, group in enumerate(found.groups[:_MOST_LINES]):
        shares = f" in {group.n_shares} shares" if group.n_shares > 1 else ""
        n_members = len(group.numbers)
        yield f"group {number + 1}", f"{n_members} side by side{shares}: {named_jobs(group.numbers)}"
    if len(found.groups) > _MOST_LINES:
        n_members = sum(len(group.numbers) for group in found.groups[_MOST_LINES:])
        yield "groups", f"{len(found.groups) - _MOST_LINES} more, of {n_members} jobs"
    reasons: dict[str, list[int]] = {}
    for job, why in found.alone.items():
        reasons.setdefault(why, []).append(job)
    for why, numbers in list(reasons.items())[:_MOST_LINES]:
        yield "alone", f"{len(numbers)}: {in_words(numbers)}: {why}"
    if len(reasons) > _MOST_LINES:
        yield "alone", f"and others, for {len(reasons) - _MOST_LINES} more reasons"
    # NaN where a part is not known.
    seconds = n_bytes = 0.0
    if found.groups and found.measured is None:
        yield "estimate", "none of group 1: its training fails, and its jobs run alone"
        seconds = n_bytes = math.nan
    elif found.measured is not None:
        yield "measured", _as_measured(found.measured, f"{found.n_measured} members of group 1")
        # As if its members were trained with as few others as those that were measured, in processes that never wait.
        parts = [(len(group.numbers) / found.n_measured, group.max_epochs) for group in found.groups]
        of_all = sum(share * found.measured.seconds(epochs) for share, epochs in parts) / found.n_processes
        seconds = max(of_all, *(found.measured.seconds(epochs) for _, epochs in parts))
        n_bytes = found.measured.job_bytes * sum(len(group.numbers) for group in found.groups)
    if found.alone:
        _, epochs = _kinds_and_epochs(config, loader, [jobs[number] for number in found.alone])
        first = min(found.alone)
        try:
            measured = measure_job(config, loader, jobs[first])
        except CannotMeasureError as error:
            yield "estimate", f"none of those that run alone, from job {first}: {error}"
            seconds = n_bytes = math.nan
        else:
            yield "measured", _as_measured(measured, f"job {first}, alone")
            of_alone = _for_jobs(measured, epochs)
            seconds, n_bytes = seconds + of_alone[0], n_bytes + of_alone[1]
    # Of a search, only the first batch was drawn.
    scale = n_left / len(left)
    yield from _totals(seconds * scale, n_bytes * scale, n_at_once=1)


def _totals(seconds: float, n_bytes: float, *, n_at_once: int | None) -> Iterator[tuple[str, str]]:
    """The lines on the whole sweep; NaN for what is not known."""
    if math.isnan(seconds):
        yield "time", "not estimated, because a part is not known"
    elif math.isinf(seconds):
        yield "time", "not estimated: without trainer.max_epochs, the number of epochs is not known"
    elif n_at_once is None:
        yield "time", f"about {duration(seconds)} of jobs; the cluster decides how many run at once"
    else:
        yield "time", f"about {duration(seconds / n_at_once)}, and less where jobs stop early"
    yield "disk", "not estimated" if math.isnan(n_bytes) else f"about {size(n_bytes)}, and more for longer logs"


def _for_jobs(measured: Measured, epochs: Sequence[int | None]) -> tuple[float, float]:
    """Seconds and bytes of jobs that are runs of their own, by the largest number of epochs of each."""
    seconds = sum(math.inf if number is None else measured.seconds(number) for number in epochs)
    return seconds, measured.job_bytes * len(epochs)


def _as_measured(measured: Measured, what: str) -> str:
    epochs = "1 epoch" if measured.n_epochs == 1 else f"{measured.n_epochs} epochs"
    files = "" if math.isnan(measured.job_bytes) else f", {size(measured.job_bytes)} a job"
    besides = duration(measured.other_seconds)
    start = f", {duration(measured.start_seconds)} to start a process" if measured.start_seconds else ""
    return f"{what} for {epochs}: {duration(measured.epoch_seconds)} for the last, {besides} besides{start}{files}"


def _kinds_and_epochs(
    config: DictConfig, loader: ConfigLoader, jobs: Sequence[Sequence[str]]
) -> tuple[list[str], list[int | None]]:
    """What decides how long an epoch of each job takes, and its largest number of epochs; None without one."""
    kinds, epochs = [], []
    with hydras_settings_as_they_were():
        composed = MultirunJobs(JobLoader(loader), placed(config, "<folder>"), jobs)
        for number in composed.numbers:
            values = composed.job(number).config
            kinds.append(json.dumps([find(values, key) for key in _KIND], default=str))
            most = values["trainer"]["max_epochs"]
            epochs.append(int(most) if most and most > 0 else None)
    return kinds, epochs


def _unfinished(
    config: DictConfig, loader: ConfigLoader, jobs: Sequence[Sequence[str]], folder: Path | None
) -> Sequence[int]:
    """The numbers of the jobs whose runs in the folder of a sweep are not finished; all of a sweep that is new."""
    if folder is None:
        return range(len(jobs))
    with hydras_settings_as_they_were():
        return MultirunJobs(JobLoader(loader), placed(config, str(folder)), jobs).unfinished()


def _launcher(config: DictConfig) -> str:
    return str(config.hydra.runtime.choices.get("hydra/launcher"))


def _at_once(config: DictConfig, n_jobs: int) -> tuple[int | None, str]:
    """How many jobs run at the same time, None if only a cluster knows; and that in words."""
    name, launcher = _launcher(config), config.hydra.launcher
    batch = OmegaConf.select(config.hydra.sweeper, "max_batch_size") or n_jobs
    if "n_trials" in config.hydra.sweeper:
        batch = config.hydra.sweeper.n_jobs
    if name == "basic":
        return 1, "basic, one job after another"
    if name == "joblib":
        # Imported here, because only this launcher needs it.
        from joblib import cpu_count

        n_at_once = min(launcher.n_jobs if launcher.n_jobs > 0 else cpu_count(), batch, n_jobs)
        return n_at_once, f"joblib, {n_at_once} at the same time"
    if name == "submitit_local":
        n_at_once = min(batch, n_jobs)
        return n_at_once, f"submitit_local, {n_at_once} at the same time, each in a new process"
    return None, f"{name}, up to {min(batch, n_jobs)} handed out at once"


def _first_batch(config: DictConfig, loader: ConfigLoader, n_jobs: int) -> list[list[str]]:
    """Overrides of the trials that a new search would begin with, drawn in memory."""
    need_optuna()
    import optuna

    from perceptron.composition.sweeps.trial_draws import TrialDraws

    sweeper: Any = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
    settings: Mapping[str, Any] = {**sweeper, "storage": None}
    space, admission = space_of(config, loader), admission_of(config, loader)
    first = check_space(space, config, loader, admission)
    draws = TrialDraws(
        optuna.create_study(),
        "memory",
        folder=Path(),
        space=space,
        settings=settings,
        n_trials=n_jobs,
        seed=first["seed"],
        admission=admission,
        limit=TimeLimit(None),
    )
    return [drawn.overrides for drawn in draws.batch(min(settings["n_jobs"], n_jobs))]
