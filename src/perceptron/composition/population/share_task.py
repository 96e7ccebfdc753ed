"""What a task does: it trains a share of a group on one core or one GPU, and writes the folders of its jobs."""

import logging
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
from hydra.core.utils import JobReturn

from perceptron.composition.population.groups import built, log_alone
from perceptron.composition.population.job_result import write_job
from perceptron.composition.population.members import MemberBuilder
from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.composition.population.ray_reports import Progress
from perceptron.composition.population.share_fit import train_and_write
from perceptron.errors import NoRoomError
from perceptron.files.containment import is_inside
from perceptron.files.writing import atomic_file
from perceptron.garbage_collection import rare_collection
from perceptron.population import members_that_fit
from perceptron.terminal.log_entries import collected
from perceptron.training.lightning_messages import silence_lightning

# Takes the number of a share, and how far it is.
Report = Callable[[int, Progress], object]
_SECONDS_BETWEEN_REPORTS = 1.0
# The logger above all that a sweep's log shows of a population.
_LOGGER = "perceptron"


@dataclass(frozen=True)
class SentShare:
    """A share as it is sent to a task.

    Attributes:
        number: of the share.
        jobs: composed.
        marker: a file that the driver has written beside the jobs' folders; a task that sees it shares their disk.
        command: the driver's, which provenance stores.
        cwd: working folder of the driver, where relative paths of the settings start.
        task_name: Hydra's name of the multirun's jobs.
    """

    number: int
    jobs: Sequence[ComposedJob]
    marker: Path
    command: Sequence[str]
    cwd: Path
    task_name: str


@dataclass
class TaskResult:
    """What a task returns.

    Attributes:
        results: by number of the job; None for a job that must run alone.
        n_failed: how many of the members diverged.
        records: what was logged, for the log of the driver.
        warnings: see ``Outcome``.
        files: of each job's folder, where the driver does not share the task's disk: bytes by path in the folder, in
            the order in which they were written.
        no_room: the disk was full; None otherwise.
    """

    results: dict[int, JobReturn | None]
    n_failed: int = 0
    records: list[logging.LogRecord] = field(default_factory=list)
    warnings: dict[int, Sequence[str]] = field(default_factory=dict)
    files: dict[int, dict[str, bytes]] = field(default_factory=dict)
    no_room: NoRoomError | None = None


def train_share(share: SentShare, builder: MemberBuilder, report: Report | None = None) -> TaskResult:
    """Train a share and write the folders of its jobs; one that an earlier try has left is written anew.

    Args:
        share: of one group.
        builder: of the driver, with the tables that it has read.
        report: is called at most once a second; None where nobody sees the progress.
    """
    result = TaskResult(dict.fromkeys(job.number for job in share.jobs))
    sys.argv = list(share.command)
    with suppress(OSError):
        # Another machine may not have it.
        os.chdir(share.cwd)
    silence_lightning()
    shares_disk = share.marker.is_file()
    try:
        with rare_collection(), collected(_LOGGER, passes_on=True) as result.records, warnings.catch_warnings():
            # Ray lends the arrays of its object store to all tasks of a node. Nothing writes to a table.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            if not shares_disk:
                _remove_folders(share.jobs)
            pairs = [pair for pair in (built(builder, job, log_alone) for job in share.jobs) if pair is not None]
            done = 0
            for part in _parts_that_fit(pairs):
                reporter = _Reporter(report or _unseen, share, n_done=done, n_members=len(part))
                write = partial(write_job, task_name=share.task_name)
                outcome = train_and_write(part, write, reporter, tell=reporter.draws, forked=True)
                result.results |= outcome.results
                result.n_failed += outcome.n_failed
                result.warnings |= outcome.warnings
                done += len(part)
            if not shares_disk:
                written = [job for job in share.jobs if result.results[job.number] is not None]
                result.files = {job.number: _files(job.folder) for job in written}
                _remove_folders(share.jobs)
    except NoRoomError as error:
        result.no_room = error
    except SystemExit as error:
        # Lightning turns the KeyboardInterrupt by which Ray cancels a task into this, which would end Ray's process.
        raise KeyboardInterrupt from error
    return result


def receive_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files of a job that a task has brought back; what the folder held before is removed.

    Args:
        folder: of the job.
        files: bytes by path in the folder. One of the last says that the job has ended, so their order is kept.

    Raises:
        ValueError: for a path that leads out of the folder.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        if not is_inside(path, folder):
            raise ValueError(f"a task must write to its jobs' folders, got {name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path, sync_folder=False) as file:
            file.write(content)


def _parts_that_fit(pairs: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The members in as many fits as this task's device needs."""
    if pairs:
        job, member = pairs[0]
        size = members_that_fit(member, job.config["trainer"]["accelerator"], None, len(pairs))
        yield from (pairs[start : start + size] for start in range(0, len(pairs), size))


def _files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    paths.sort(key=lambda path: path.stat().st_mtime_ns)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _remove_folders(jobs: Sequence[ComposedJob]) -> None:
    for job in jobs:
        shutil.rmtree(job.folder, ignore_errors=True)


def _unseen(number: int, progress: Progress) -> None:
    """Nobody sees the progress."""


class _Reporter(L.Callback):
    """Reports the progress of a share, at most once a second.

    Args:
        report: takes it.
        share: that is trained.
        n_done: members that were trained before.
        n_members: that are trained now.
    """

    def __init__(self, report: Report, share: SentShare, *, n_done: int, n_members: int) -> None:
        self._report = report
        self._share = share
        self._n_done = n_done
        self._n_members = n_members
        self._reported = 0.0
        self._max_epochs = 0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self._is_due():
            self._send(trainer.current_epoch, trainer.max_epochs or 0, len(pl_module.living))  # type: ignore[arg-type]

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        self._max_epochs = trainer.max_epochs or 0

    def draws(self, n_drawn: int, n_jobs: int) -> None:
        """Report how many jobs have their figures, and how many are to get them."""
        if self._is_due():
            self._send(self._max_epochs, self._max_epochs, 0, n_drawn, n_jobs)

    def _is_due(self) -> bool:
        if time.monotonic() - self._reported < _SECONDS_BETWEEN_REPORTS:
            return False
        self._reported = time.monotonic()
        return True

    def _send(self, epoch: int, max_epochs: int, living: int, n_drawn: int = 0, n_to_draw: int = 0) -> None:
        size = len(self._share.jobs)
        epochs = self._n_done * max_epochs + self._n_members * epoch
        waiting = size - self._n_done - self._n_members
        self._report(self._share.number, Progress(epochs / size, waiting + living, n_drawn, n_to_draw))
