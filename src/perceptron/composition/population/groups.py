"""The jobs of a multirun in groups that are trained side by side, and each group in shares."""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.population.eligibility import check_job, check_together, group_key, split_key
from perceptron.composition.population.members import MemberBuilder
from perceptron.composition.population.multirun_jobs import ComposedJob, MultirunJobs
from perceptron.errors import UsageError
from perceptron.population import CannotStackError, Member, members_that_fit
from perceptron.sweeps.failures import in_words

log = logging.getLogger(__name__)

# Members of a process on a CPU. More at once are not faster, and a killed sweep loses the members in training.
GOOD_SHARE = 64
# Bytes of the encoded tables of all splits that are trained on at the same time, each of which is kept twice.
_MOST_ENCODED = 2 * 2**30
# Training four members in one stack takes 1.3 times as long as training one (benchmarks/results/population.svg).
_WORTH_A_PROCESS = 4


@dataclass(frozen=True)
class Group:
    """Jobs that are trained side by side.

    Attributes:
        key: of the settings that they have in common, see ``group_key``.
        first: one of them, composed: they share device, epochs and progress bar with it.
        member: its member, untrained.
        numbers: of the jobs; neighbours share the settings of losses and metrics where possible.
        splits: which of them have the same split, by number of the job.
        updates: which of them have the same settings of optimizer and schedule, likewise.
    """

    key: str
    first: ComposedJob
    member: Member
    numbers: Sequence[int]
    splits: Mapping[int, str] = field(default_factory=dict)
    updates: Mapping[int, str] = field(default_factory=dict)


class JobPreparation:
    """Composes jobs and builds their members, where they are trained.

    Args:
        jobs: of the multirun.
        report: is told the number of each job that must run alone, and why; by default it writes a line in the log.
        trains_here: whether this machine must have the device that the jobs ask for.

    Attributes:
        builder: of the members; it holds the tables that have been read.
    """

    def __init__(
        self,
        jobs: MultirunJobs,
        report: Callable[[int, Exception], None] | None = None,
        *,
        trains_here: bool = True,
    ) -> None:
        self.report = report or log_alone
        self._jobs = jobs
        self.builder = MemberBuilder(trains_here=trains_here)

    @property
    def numbers(self) -> Sequence[int]:
        """Of all jobs of the multirun."""
        return self._jobs.numbers

    def compose(self, number: int, key: str | None = None) -> ComposedJob | None:
        """A job; None, which is reported, where it must run alone.

        Args:
            number: of the job.
            key: of the group that the job is to join; None for the first of a group.
        """
        try:
            job = self._jobs.job(number)
            check_job(job)
            if key is not None:
                check_together(job, key)
        except (CannotStackError, UsageError, OmegaConfBaseException) as error:
            self.report(number, error)
            return None
        return job

    def prepare(self, number: int, key: str | None = None) -> tuple[ComposedJob, Member] | None:
        """A job and its member; None, which is reported, where the job must run alone; see ``compose``."""
        job = self.compose(number, key)
        return None if job is None else built(self.builder, job, self.report)

    def forget_splits(self) -> None:
        """See ``MemberBuilder``."""
        self.builder.forget_splits()


def built(
    builder: MemberBuilder, job: ComposedJob, report: Callable[[int, Exception], None]
) -> tuple[ComposedJob, Member] | None:
    """A job and its member; None, which is reported, where the job must run alone."""
    try:
        return job, builder.build(job.config, job.choices, draws_figures=job.draws_figures)
    except (CannotStackError, UsageError, OmegaConfBaseException) as error:
        report(job.number, error)
        return None


def unfinished(jobs: MultirunJobs) -> list[int]:
    """The numbers of the jobs whose runs are not finished; how many others there are is logged."""
    left = jobs.unfinished()
    n_finished = len(jobs.numbers) - len(left)
    if n_finished:
        log.info("%d of the %d jobs %s finished", n_finished, len(jobs.numbers), "has" if n_finished == 1 else "have")
    return left


def group_jobs(
    jobs: MultirunJobs, numbers: Iterable[int], preparation: JobPreparation
) -> tuple[list[Group], list[int]]:
    """Put jobs that can be trained side by side into groups.

    Only the first job of a group is resolved and built here: the others cost less in the processes that train them.
    What the first one reads, forked processes do not read again.

    Args:
        jobs: of the multirun.
        numbers: of those that are to be run.
        preparation: of its jobs.

    Returns:
        The groups, and the numbers of the jobs that must run as usual.
    """
    settings: dict[str, dict[int, str]] = {}
    splits: dict[int, str] = {}
    updates: dict[int, str] = {}
    alone: list[int] = []
    for number in numbers:
        try:
            own = jobs.settings(number)
        except OmegaConfBaseException as error:
            preparation.report(number, error)
            alone.append(number)
        else:
            settings.setdefault(group_key(own), {})[number] = _scoring_key(own)
            splits[number] = split_key(own["data"])
            updates[number] = _update_key(own, number)
    groups = []
    for scoring_keys in settings.values():
        together = sorted(scoring_keys, key=lambda number: (scoring_keys[number], number))
        while together:
            prepared = preparation.prepare(together[0])
            if prepared is not None:
                groups.append(Group(group_key(prepared[0].config), *prepared, together, splits, updates))
                break
            alone.append(together.pop(0))
    return groups, alone


def divided(group: Group, *, n_processes: int, max_members: int | None, most: int | None = None) -> list[list[int]]:
    """Divide a group into shares, each of which is trained in one fit.

    Args:
        group: the jobs.
        n_processes: that train at the same time; 1 where this process trains one share after another.
        max_members: that all of them train at the same time; None for as many as suit the device.
        most: members of a share that suit the devices of other machines; None where this machine trains them.

    Returns:
        Numbers of the jobs of each share.
    """
    limit = None if max_members is None else max(1, max_members // n_processes)
    if most is None:
        size = members_that_fit(group.member, group.first.config["trainer"]["accelerator"], limit, GOOD_SHARE)
    else:
        size = limit or most
    n_shares = -(-len(group.numbers) // size)
    # As many as there are processes to train them, or a multiple, so that no process waits for others.
    wanted = min(n_processes, max(1, len(group.numbers) // _WORTH_A_PROCESS))
    n_shares = -(-n_shares // wanted) * wanted
    bounds = [len(group.numbers) * i // n_shares for i in range(n_shares + 1)]
    shares = [list(group.numbers[start:stop]) for start, stop in pairwise(bounds) if stop > start]
    return [part for share in shares for part in _with_few_tables(share, group, n_processes)]


def _with_few_tables(share: list[int], group: Group, n_processes: int) -> Iterator[list[int]]:
    """The share, or parts of it whose splits are so few that their encoded tables fit into memory."""
    if not group.splits or not group.member.datamodule.schema.encoding:
        yield share
        return
    most = max(1, _MOST_ENCODED // (2 * n_processes * group.member.datamodule.table.features.nbytes))
    part: list[int] = []
    for number in share:
        if part and len({group.splits[other] for other in (*part, number)}) > most:
            yield part
            part = []
        part.append(number)
    yield part


def log_alone(number: int, error: Exception) -> None:
    """Log that a job runs alone, and why."""
    log.info("%s%s", run_alone([number]), _why(error))


def run_alone(numbers: Collection[int]) -> str:
    """How a line begins that says why jobs run alone, such as ``jobs 0 to 3 run alone``."""
    if len(numbers) == 1:
        return f"job #{next(iter(numbers))} runs alone"
    return f"jobs {in_words(numbers)} run alone"


class AloneReports:
    """Why jobs run alone, told for those of the same reason together: call it for each, then ``tell``."""

    def __init__(self) -> None:
        self._numbers: dict[str, list[int]] = {}

    def __call__(self, number: int, error: Exception) -> None:
        """Keep the reason of a job."""
        self._numbers.setdefault(_why(error), []).append(number)

    def tell(self) -> None:
        """Log a line for each reason."""
        for why, numbers in self._numbers.items():
            log.info("%s%s", run_alone(numbers), why)
        self._numbers.clear()


def _why(error: Exception) -> str:
    purpose = "" if isinstance(error, CannotStackError) else ", to report the error"
    return f"{purpose}: {str(error).partition(chr(10))[0]}"


def _update_key(settings: Mapping[str, Any], number: int) -> str:
    """The settings of optimizer and schedule; of the job alone where an interpolation may change its rates."""
    own = [settings["optimizer"], settings["scheduler"]]
    return str(number) if "${" in str(own[0]) else json.dumps(own, sort_keys=True, default=str)


def _scoring_key(settings: Mapping[str, Any]) -> str:
    """The settings on which losses and metrics depend: neighbours that share them are scored together."""
    own = [settings["model"].get(name) for name in ("threshold", "label_smoothing")]
    return json.dumps([own, split_key(settings["data"])], sort_keys=True, default=str)
