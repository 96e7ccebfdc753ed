"""Shares of a population as tasks of a Ray cluster. ``connect`` must have been called before."""

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from perceptron.composition.population.groups import GOOD_SHARE, Group, JobPreparation, in_words
from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.composition.population.progress_board import Board
from perceptron.composition.population.ray_reports import ProgressReports
from perceptron.composition.population.ray_task import SentShare, TaskResult, receive_files, train_share
from perceptron.composition.population.shares import Outcome, Share, board_of
from perceptron.errors import UsageError, reason
from perceptron.terminal.text import visible

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_BETWEEN_REPORTS = 1.0
_SECONDS_TO_END = 5.0
# Tasks that wait for room, so that no core waits for one to be composed; an autoscaler adds nodes for them.
_AHEAD = 16
# Of a task whose process or node is lost.
_RETRIES = 3


class RayCluster:
    """Trains shares as tasks, each on one core or on one GPU.

    Args:
        preparation: composes the jobs.
        folder: of the multirun.
        task_name: Hydra's name of its jobs.
    """

    def __init__(self, preparation: JobPreparation, folder: Path, *, task_name: str) -> None:
        self._preparation = preparation
        self._folder = folder.absolute()
        self._task_name = task_name
        self._task = ray.remote(train_share)

    def n_tasks(self, group: Group) -> int:
        """How many shares of a group train at the same time: the cluster's GPUs or cores, at least one.

        Raises:
            UsageError: if the jobs ask for a GPU, and the cluster has none and cannot grow.
        """
        kind = "GPU" if _on_gpu(group) else "CPU"
        found = _resources(kind)
        if found < 1:
            if kind == "GPU" and not os.environ.get("RAY_ADDRESS"):
                accelerator = group.first.config["trainer"]["accelerator"]
                raise UsageError(
                    f"trainer.accelerator={accelerator} needs a GPU of the Ray cluster, got none; set "
                    "trainer.accelerator=cpu, or RAY_ADDRESS to a cluster that has one"
                )
            log.warning("the Ray cluster has no %s; waiting for a node that has one", kind)
        return max(1, found)

    def most_members(self, group: Group) -> int:
        """Members of a share: those that do not fit on its GPU at the same time, a task trains in turn."""
        return len(group.numbers) if _on_gpu(group) else GOOD_SHARE

    def outcomes(self, shares: Sequence[Share], *, max_members: int | None) -> Iterator[Outcome]:
        """See ``Cluster``."""
        most = None if max_members is None else max(1, max_members // max(len(share.numbers) for share in shares))
        board = board_of(shares)
        reports, nodes = _Reports(board), _Nodes()
        left = iter(enumerate(shares))
        # The jobs of each running task.
        running: dict[Any, tuple[int, list[ComposedJob]]] = {}
        with self._marker() as marker, _cancelled_at_the_end(running):
            builder = ray.put(self._preparation.builder)
            try:
                while True:
                    while len(running) < (most or _resources("CPU") + _resources("GPU") + _AHEAD):
                        number, share = next(left, (-1, None))
                        if share is None:
                            break
                        jobs, alone = self._composed(share)
                        if alone:
                            yield Outcome(dict.fromkeys(alone))
                        if jobs:
                            sent = SentShare(number, jobs, marker, sys.argv, self._task_name)
                            task = self._submit(sent, builder, reports.actor, on_gpu=_on_gpu(share.group))
                            running[task] = number, jobs
                    if not running:
                        break
                    ended, _ = ray.wait(list(running), timeout=_SECONDS_BETWEEN_LOOKS)
                    nodes.look()
                    reports.show()
                    for task in ended:
                        number, jobs = running.pop(task)
                        board.end(number)
                        yield _outcome(task, jobs)
            finally:
                board.stop()

    def _composed(self, share: Share) -> tuple[list[ComposedJob], list[int]]:
        """The jobs of a share, and the numbers of those that must run alone."""
        composed = {number: self._preparation.compose(number, share.group.key) for number in share.numbers}
        jobs = [job for job in composed.values() if job is not None]
        return jobs, [number for number, job in composed.items() if job is None]

    def _submit(self, share: SentShare, builder: Any, reports: Any, *, on_gpu: bool) -> Any:
        task = self._task.options(
            num_cpus=1,
            num_gpus=1 if on_gpu else 0,
            max_retries=_RETRIES,
            name=f"jobs {in_words(job.number for job in share.jobs)}",
            runtime_env={"env_vars": {"PYTHONPATH": _module_path()}},
        )
        return task.remote(share, builder, reports)

    @contextmanager
    def _marker(self) -> Iterator[Path]:
        """A file by which a task sees whether it writes to the disk of this process."""
        marker = self._folder / f".ray-{token_hex(16)}"
        marker.touch()
        try:
            yield marker
        finally:
            marker.unlink(missing_ok=True)


class _Nodes:
    """The nodes of the cluster: a line in the log says when some are lost."""

    def __init__(self) -> None:
        self._looked = 0.0
        self._n_alive = 0

    def look(self) -> None:
        """Count them, once a second."""
        if time.monotonic() - self._looked < _SECONDS_BETWEEN_REPORTS:
            return
        self._looked = time.monotonic()
        n_alive = sum(node["Alive"] for node in ray.nodes())  # type: ignore[no-untyped-call]
        if n_alive < self._n_alive:
            lost = self._n_alive - n_alive
            log.warning("nodes of the Ray cluster: %d lost, %d left; what they trained is trained again", lost, n_alive)
        self._n_alive = n_alive


class _Reports:
    """The reports of the tasks, for the bar of this process.

    Args:
        board: that shows them.

    Attributes:
        actor: takes the reports; None where nobody sees them.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._asked = 0.0
        self._answer: Any = None
        self.actor: Any = None
        if board.is_shown:
            self.actor = ray.remote(num_cpus=0)(ProgressReports).remote()

    def show(self) -> None:
        """Move the bar by what has been reported."""
        if self.actor is None:
            return
        if self._answer is None and time.monotonic() - self._asked > _SECONDS_BETWEEN_REPORTS:
            self._asked = time.monotonic()
            self._answer = self.actor.taken.remote()
        if self._answer is not None and ray.wait([self._answer], timeout=0)[0]:
            try:
                for number, (epochs, living) in ray.get(self._answer).items():
                    self._board.epochs[number], self._board.living[number] = epochs, living
            except RayError:
                # Its node is lost: the bar moves with the shares that end.
                self.actor = None
            self._answer = None
        self._board.show()


def _outcome(task: Any, jobs: Sequence[ComposedJob]) -> Outcome:
    """The outcome of a task that has ended; its jobs run alone if it failed.

    Raises:
        NoRoomError: if it found the disk full.
    """
    numbers = [job.number for job in jobs]
    try:
        result: TaskResult = ray.get(task)
        for record in result.records:
            logger = logging.getLogger(record.name)
            if logger.isEnabledFor(record.levelno):
                logger.handle(record)
        if result.no_room is not None:
            raise result.no_room
        for job in jobs:
            if result.results[job.number] is not None and job.number in result.files:
                receive_files(job.folder, result.files[job.number])
    except (RayError, ValueError, OSError) as error:
        log.warning("jobs %s run alone: %s", in_words(numbers), visible(_why(error)))
        log.debug("failed", exc_info=error)
        return Outcome(dict.fromkeys(numbers))
    return Outcome(result.results, result.n_failed)


def _why(error: Exception) -> str:
    """Why a task failed, in one line."""
    cause = error.cause if isinstance(error, RayTaskError) else error
    return f"{type(cause).__name__}: {reason(cause, lines=1)}"


def _module_path() -> str:
    """Where a task finds modules of the user's own; those of the environment are found in its own environment."""
    own = [folder for folder in sys.path if folder and not folder.startswith((sys.prefix, sys.base_prefix))]
    return os.pathsep.join(own)


@contextmanager
def _cancelled_at_the_end(running: dict[Any, Any]) -> Iterator[None]:
    """Cancel at the end the tasks that still run: first so that they remove the files that they have partly written."""
    try:
        yield
    finally:
        left = list(running)
        with suppress(RayError):
            for task in left:
                ray.cancel(task)
            if left:
                _, left = ray.wait(left, num_returns=len(left), timeout=_SECONDS_TO_END, fetch_local=False)
            for task in left:
                ray.cancel(task, force=True)


def _on_gpu(group: Group) -> bool:
    """Whether the tasks of a group ask for a GPU: where its jobs do, or take the best device there is."""
    accelerator = group.first.config["trainer"]["accelerator"]
    return accelerator in ("gpu", "cuda") or (accelerator == "auto" and _resources("GPU") > 0)


def _resources(kind: str) -> int:
    return int(ray.cluster_resources().get(kind, 0))  # type: ignore[no-untyped-call]
