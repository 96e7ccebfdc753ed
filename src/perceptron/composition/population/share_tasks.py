"""Shares of a population as tasks of other processes: those of a Ray cluster, or one for each GPU of this machine."""

import logging
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

from perceptron.composition.population.groups import Group, JobPreparation, run_alone
from perceptron.composition.population.members import MemberBuilder
from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.composition.population.ray_reports import Progress
from perceptron.composition.population.share_fit import Outcome
from perceptron.composition.population.share_task import SentShare, TaskResult, receive_files
from perceptron.composition.population.shares import Share, board_of, not_trained
from perceptron.composition.sweeps.time_limit import may_start
from perceptron.errors import reason
from perceptron.runs.failures import is_no_room, no_room
from perceptron.terminal.text import visible

log = logging.getLogger(__name__)


class TaskError(Exception):
    """A task ended without a result; the text says why, in one line."""


class Workers(Protocol):
    """Processes that do tasks. A task is whatever object stands for it."""

    def n_tasks(self, group: Group) -> int:
        """How many shares of a group train at the same time."""

    def most_members(self, group: Group) -> int:
        """Members of a share of a group that suit a task."""

    def room(self) -> int:
        """How many tasks may be submitted and not yet ended."""

    def start(self, builder: MemberBuilder, *, with_reports: bool) -> None:
        """Prepare for tasks.

        Args:
            builder: of the members of all tasks, with the tables that this process has read.
            with_reports: whether somebody sees how far the tasks are.
        """

    def submit(self, share: SentShare, group: Group) -> Any:
        """Submit a share of a group; the task."""

    def wait(self, tasks: Collection[Any]) -> list[Any]:
        """Wait a moment; the tasks that have ended."""

    def reports(self) -> Mapping[int, Progress]:
        """How far shares are, by number, where it is new."""

    def result(self, task: Any) -> TaskResult:
        """The result of a task that has ended.

        Raises:
            TaskError: if it has none.
        """

    def stop(self, tasks: Collection[Any]) -> None:
        """End the tasks that still run; they remove the files that they have partly written."""


class ShareTasks:
    """Trains shares as tasks.

    Args:
        preparation: composes the jobs; what it has read is sent to the tasks.
        workers: do the tasks.
        folder: of the multirun.
        task_name: Hydra's name of its jobs.
    """

    def __init__(self, preparation: JobPreparation, workers: Workers, folder: Path, *, task_name: str) -> None:
        self._preparation = preparation
        self._workers = workers
        self._folder = folder.absolute()
        self._task_name = task_name

    def n_tasks(self, group: Group) -> int:
        """How many shares of a group train at the same time."""
        return self._workers.n_tasks(group)

    def most_members(self, group: Group) -> int:
        """Members of a share of a group that suit a task."""
        return self._workers.most_members(group)

    def outcomes(self, shares: Sequence[Share], *, max_members: int | None) -> Iterator[Outcome]:
        """Train shares.

        Args:
            shares: of all groups.
            max_members: trained at the same time; None for as many as there is room for.

        Yields:
            Outcome of each share, as soon as it is written.

        Raises:
            NoRoomError: if a task finds its disk full.
        """
        if not shares:
            return
        most = None if max_members is None else max(1, max_members // max(len(share.numbers) for share in shares))
        board = board_of(shares)
        waiting = list(enumerate(shares))[::-1]
        running: dict[Any, tuple[int, list[ComposedJob]]] = {}
        with self._marker() as marker:
            try:
                self._workers.start(self._preparation.builder, with_reports=board.is_shown)
                while waiting or running:
                    while waiting and len(running) < min(self._workers.room(), most or len(shares)):
                        number, share = waiting.pop()
                        if not may_start():
                            board.end(number)
                            yield not_trained(share)
                            continue
                        jobs, alone = self._composed(share)
                        if alone:
                            yield Outcome(dict.fromkeys(alone))
                        if jobs:
                            sent = SentShare(number, jobs, marker, sys.argv, Path.cwd(), self._task_name)
                            running[self._workers.submit(sent, share.group)] = number, jobs
                    ended = self._workers.wait(running)
                    for number, progress in self._workers.reports().items():
                        board.trains(number, progress.epochs, progress.living)
                        board.draws(number, progress.n_drawn, progress.n_to_draw)
                    for task in ended:
                        number, jobs = running.pop(task)
                        board.end(number)
                        yield self._outcome(task, jobs)
                    board.show()
            finally:
                board.stop()
                self._workers.stop(running)

    def _composed(self, share: Share) -> tuple[list[ComposedJob], list[int]]:
        """The jobs of a share, and the numbers of those that must run alone."""
        composed = {number: self._preparation.compose(number, share.group.key) for number in share.numbers}
        jobs = [job for job in composed.values() if job is not None]
        return jobs, [number for number, job in composed.items() if job is None]

    def _outcome(self, task: Any, jobs: Sequence[ComposedJob]) -> Outcome:
        """The outcome of a task that has ended; its jobs run alone if it has failed."""
        try:
            result = self._workers.result(task)
            _log(result.records)
            if result.no_room is not None:
                raise result.no_room
            for job in jobs:
                if job.number in result.files:
                    receive_files(job.folder, result.files[job.number])
        except (TaskError, ValueError, OSError) as error:
            if isinstance(error, OSError) and is_no_room(error):
                raise no_room(error, self._folder, advice=None) from error
            numbers = [job.number for job in jobs]
            log.warning("%s: %s", run_alone(numbers), visible(reason(error, lines=1)))
            log.debug("failed", exc_info=error)
            return Outcome(dict.fromkeys(numbers))
        return Outcome(result.results, result.n_failed, warnings=result.warnings)

    @contextmanager
    def _marker(self) -> Iterator[Path]:
        """A file by which a task sees whether it writes to the disk of this process."""
        marker = self._folder / f".tasks-{token_hex(16)}"
        marker.touch()
        try:
            yield marker
        finally:
            marker.unlink(missing_ok=True)


def _log(records: Sequence[logging.LogRecord]) -> None:
    """Log what a task has logged."""
    for record in records:
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)
