"""Train the shares of groups, one after another or side by side in processes, and write each job's folder."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import lightning as L
import torch
from hydra.core.utils import JobReturn

from perceptron.callbacks import EpochProgress
from perceptron.composition.population.groups import Group, JobPreparation, divided, run_alone
from perceptron.composition.population.job_lines import JobLines
from perceptron.composition.population.member_figures import Tell
from perceptron.composition.population.progress_board import Board
from perceptron.composition.population.share_fit import Outcome, Write, train_and_write
from perceptron.composition.sweeps.time_limit import may_start, not_started
from perceptron.sweeps.failures import named_jobs
from perceptron.terminal.status import clear, show
from perceptron.terminal.text import visible
from perceptron.training.processes import EndedError, can_fork, in_processes
from perceptron.training.threads import cores

log = logging.getLogger(__name__)


class Share(NamedTuple):
    """Jobs of a group that are trained in one fit.

    Attributes:
        group: that they belong to.
        numbers: of the jobs.
    """

    group: Group
    numbers: list[int]


class ShareTrainer(Protocol):
    """Trains and writes shares elsewhere."""

    def n_tasks(self, group: Group) -> int:
        """How many shares of a group train at the same time."""

    def most_members(self, group: Group) -> int:
        """Members of a share of a group that suit a task."""

    def outcomes(self, shares: Sequence[Share], *, max_members: int | None) -> Iterator[Outcome]:
        """Train shares.

        Args:
            shares: of all groups.
            max_members: trained at the same time; None for as many as there is room for.

        Yields:
            Outcome of each share, as soon as it is written.
        """


class GroupTraining:
    """Trains groups in as many processes as are allowed, and writes each share as soon as it is trained.

    Args:
        preparation: composes the jobs and builds their members.
        write: writes the folder of a trained job.
        max_members: trained at the same time, in all processes; None for as many as suit the device.
        elsewhere: trains the shares; None for this process and those that it forks.
    """

    def __init__(
        self,
        preparation: JobPreparation,
        write: Write,
        *,
        max_members: int | None,
        elsewhere: ShareTrainer | None = None,
    ) -> None:
        self._preparation = preparation
        self._write = write
        self._max_members = max_members
        self._elsewhere = elsewhere

    def train(self, groups: Sequence[Group]) -> Iterator[dict[int, JobReturn | None]]:
        """Train the groups.

        Yields:
            Results of a share by number of the job; None for a job that must run as usual.
        """
        n_processes = 1 if self._elsewhere else processes_for(groups, max_members=self._max_members)
        shares: list[Share] = []
        lines = JobLines(self._preparation.numbers)
        for group in groups:
            lines.add_group(group)
        lines.say()
        for number, group in enumerate(groups, start=1):
            parts, where = self._parts(group, n_processes)
            at_once = f", {max(map(len, parts))}{where}" if len(parts) > 1 else ""
            count, jobs = len(group.numbers), named_jobs(group.numbers)
            members = "1 member" if count == 1 else f"{count} members"
            log.info("group %d of %d: %s%s: %s", number, len(groups), members, at_once, jobs)
            shares += [Share(group, part) for part in parts]
        clock = time.perf_counter()
        show("building the members")
        n_members = n_failed = 0
        try:
            for outcome in self._outcomes(shares, n_processes):
                n_members += sum(result is not None for result in outcome.results.values()) * outcome.is_started
                n_failed += outcome.n_failed
                for job, warnings in outcome.warnings.items():
                    lines.add(warnings, [job])
                yield outcome.results
        finally:
            # Once for all shares, after which a line can name all of its jobs.
            lines.say(of_all="all jobs: ")
        if n_members:
            failed = f", {n_failed} failed" if n_failed else ""
            members = "1 member" if n_members == 1 else f"{n_members} members"
            log.info("%s trained in %.1f s%s", members, time.perf_counter() - clock, failed)

    def _parts(self, group: Group, n_processes: int) -> tuple[list[list[int]], str]:
        """The jobs of each share of a group, and where its shares are trained."""
        if self._elsewhere is None:
            where = f" in each of {n_processes} processes" if n_processes > 1 else " at once"
            return divided(group, n_processes=n_processes, max_members=self._max_members), where
        n_tasks = self._elsewhere.n_tasks(group)
        if self._max_members is not None:
            n_tasks = min(n_tasks, self._max_members)
        most = self._elsewhere.most_members(group)
        parts = divided(group, n_processes=n_tasks, max_members=self._max_members, most=most)
        return parts, f" in each of {len(parts)} tasks"

    def _outcomes(self, shares: Sequence[Share], n_processes: int) -> Iterator[Outcome]:
        if self._elsewhere is not None:
            return self._elsewhere.outcomes(shares, max_members=self._max_members)
        side_by_side = n_processes > 1 and len(shares) > 1
        return self._in_processes(shares, n_processes) if side_by_side else self._one_by_one(shares)

    def _one_by_one(self, shares: Sequence[Share]) -> Iterator[Outcome]:
        threads = torch.get_num_threads()
        for share in shares:
            yield self._outcome(share, *([EpochProgress()] if _shows_progress(share) else []), tell=_show_drawing)
            self._preparation.forget_splits()
            torch.set_num_threads(threads)

    def _in_processes(self, shares: Sequence[Share], n_processes: int) -> Iterator[Outcome]:
        board = board_of(shares)
        # A process that is forked would erase the line too.
        clear()

        def work(number: int) -> Outcome:
            reporter = _Reporter(board, number)
            return self._outcome(shares[number], reporter, tell=reporter.draws, forked=True)

        try:
            tasks = [partial(work, number) for number in range(len(shares))]
            for number, outcome in in_processes(tasks, n_processes=n_processes, look=board.show):
                board.end(number)
                if isinstance(outcome, EndedError):
                    numbers = shares[number].numbers
                    log.warning("%s: %s", run_alone(numbers), visible(outcome))
                    yield Outcome(dict.fromkeys(numbers))
                else:
                    yield outcome
        finally:
            board.stop()

    def _outcome(self, share: Share, *callbacks: L.Callback, tell: Tell, forked: bool = False) -> Outcome:
        """Train and write a share, unless the time of the sweep has passed."""
        if not may_start():
            return not_trained(share)
        prepared = [self._preparation.prepare(number, share.group.key) for number in share.numbers]
        pairs = [pair for pair in prepared if pair is not None]
        results: dict[int, JobReturn | None] = dict.fromkeys(share.numbers)
        outcome = train_and_write(pairs, self._write, *callbacks, tell=tell, forked=forked)
        return outcome._replace(results=results | outcome.results)


def not_trained(share: Share) -> Outcome:
    """The outcome of a share whose turn would come after the sweep's time has passed."""
    return Outcome({number: not_started() for number in share.numbers}, is_started=False)


def processes_for(groups: Sequence[Group], *, max_members: int | None) -> int:
    """Number of processes that train at the same time.

    Args:
        groups: all of them.
        max_members: trained at the same time, in all processes; None for as many as suit the device.
    """
    n_processes = 1
    if can_fork():
        n_processes = max((cores(group.first.config["trainer"]["num_threads"]) for group in groups), default=1)
    return n_processes if max_members is None else min(n_processes, max_members)


def board_of(shares: Sequence[Share]) -> Board:
    """The board that shows the progress of shares."""
    epochs = [int(share.group.first.config["trainer"]["max_epochs"]) for share in shares]
    return Board([len(share.numbers) for share in shares], epochs, shown=any(map(_shows_progress, shares)))


def _shows_progress(share: Share) -> bool:
    config: Any = share.group.first.config
    callbacks = config["callbacks"].values()
    shown = any(part is not None and part["_target_"].endswith("Progress") for part in callbacks)
    return shown and config["trainer"]["enable_progress_bar"] is not False


class _Reporter(L.Callback):
    """Reports the progress of a share to the process that waits, and ends with that process."""

    def __init__(self, board: Board, number: int) -> None:
        self.board = board
        self.number = number
        self._parent = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        self._parent = os.getppid()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if os.getppid() != self._parent:
            raise SystemExit(1)
        self.board.trains(self.number, trainer.current_epoch, len(pl_module.living))  # type: ignore[arg-type]

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        self.board.trains(self.number, trainer.max_epochs or 0, 0)

    def draws(self, n_drawn: int, n_jobs: int) -> None:
        """Report how many jobs have their figures, and how many are to get them."""
        if os.getppid() != self._parent:
            raise SystemExit(1)
        self.board.draws(self.number, n_drawn, n_jobs)


def _show_drawing(n_drawn: int, n_jobs: int) -> None:
    show(f"drawing the figures of job {n_drawn + 1} of {n_jobs}")
