"""The jobs of a multirun in groups, whose members are of one architecture, and each group in shares."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.population.jobs import MemberBuilder, check_settings, check_surroundings, group_key
from perceptron.composition.settings.checks import check, check_values, constraints_in
from perceptron.composition.settings.schema.constraints import Constraint
from perceptron.composition.sweeps.template import JobTemplate, PlainJob
from perceptron.errors import UsageError
from perceptron.population import CannotStackError, Member, members_that_fit
from perceptron.runs.folder import Run

log = logging.getLogger(__name__)

# Of a process on a CPU. More at once are not faster, and what a killed sweep loses is those that are under way.
_GOOD_SHARE = 64
# Four in one stack take 1.3 times what one takes by itself (benchmarks/results/population.svg).
_WORTH_A_PROCESS = 4


@dataclass(frozen=True)
class Candidate:
    """A job that can be trained beside others.

    Attributes:
        number: of the job in the sweep.
        config: plain configuration.
        chosen: option of each of Hydra's groups.
        build: makes its member, where it is trained.
    """

    number: int
    config: Mapping[str, Any]
    chosen: Mapping[str, str]
    build: Callable[[], Member]


def group_jobs(numbers: Iterable[int], job_of: Callable[[int], PlainJob]) -> tuple[list[list[Candidate]], list[int]]:
    """Put jobs that can be trained side by side into groups.

    Args:
        numbers: of a multirun's jobs.
        job_of: gives a job, which its template is set to until the next is asked for.

    Returns:
        Groups, and the numbers of the jobs that must be run as usual.
    """
    groups: dict[str, list[Candidate]] = {}
    alone: list[int] = []
    builder = MemberBuilder()
    checked: dict[JobTemplate, dict[str, Constraint]] = {}
    for number in numbers:
        try:
            job = job_of(number)
            _check(job, checked)
            candidate = Candidate(job.number, job.config, job.chosen, partial(builder.build, job.config, job.chosen))
            key = group_key(job.config)
            if key not in groups:
                # What is wrong with the first is wrong with all, and the table that it reads is read for all.
                candidate.build()
        except (CannotStackError, UsageError, OmegaConfBaseException) as error:
            tell_alone(number, error)
            alone.append(number)
        else:
            groups.setdefault(key, []).append(candidate)
    for candidates in groups.values():
        candidates.sort(key=_kin)
    return list(groups.values()), alone


def shares(group: Sequence[Candidate], *, n_processes: int, max_members: int | None) -> list[Sequence[Candidate]]:
    """Cut a group into what is trained in one fit each.

    Args:
        group: jobs of one group.
        n_processes: that train at a time; 1 where this process trains one share after another.
        max_members: that all of them train at once; None for what is good on the device.
    """
    first = group[0]
    good = None if max_members is None else max(1, max_members // n_processes)
    size = members_that_fit(first.build, first.config["trainer"]["accelerator"], good, _GOOD_SHARE)
    n_shares = -(-len(group) // size)
    # As many as there are processes to train them, or a multiple, so that none of them waits for others.
    wanted = min(n_processes, max(1, len(group) // _WORTH_A_PROCESS))
    n_shares = -(-n_shares // wanted) * wanted
    bounds = [len(group) * i // n_shares for i in range(n_shares + 1)]
    return [group[start:stop] for start, stop in pairwise(bounds) if stop > start]


def tell_alone(number: int, reason: Exception) -> None:
    """Say in the log why a job runs alone."""
    why = "" if isinstance(reason, CannotStackError) else ", to say what is wrong"
    log.info("job #%d runs alone%s: %s", number, why, str(reason).partition("\n")[0])


def in_words(candidates: Iterable[Candidate]) -> str:
    """Numbers of jobs, such as ``0 to 3, 7, 9 to 12``."""
    numbers = sorted(candidate.number for candidate in candidates)
    # Neighbours differ from their places in the order by the same number.
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda at: at[1] - at[0])]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def _kin(candidate: Candidate) -> str:
    """What losses and metrics depend on; those with the same are computed together."""
    model, data = candidate.config["model"], candidate.config["data"]
    settings = [model.get(name) for name in ("threshold", "label_smoothing")]
    return json.dumps([settings, {**data, "seed": None}], sort_keys=True, default=str)


def _check(job: PlainJob, checked: dict[JobTemplate, dict[str, Constraint]]) -> None:
    run = Run(Path(job.config["paths"]["output_dir"]))
    if run.is_finished:
        raise CannotStackError("it is finished")
    if run.checkpoint("last").is_file():
        raise CannotStackError("it goes on from where it was left")
    if job.template in checked:
        check_values(job.config, checked[job.template])
    else:
        cfg = job.template.enter(job.number)
        check(cfg)
        checked[job.template] = constraints_in(cfg)
    check_surroundings(job.template.hydra_values)
    check_settings(job.config)
