"""Shares of groups, trained and written one after another, or side by side in processes."""

import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import lightning as L
import torch
from hydra.core.utils import JobReturn

from perceptron.callbacks import EpochBar, EpochProgress
from perceptron.composition.population.groups import Candidate, in_words, shares
from perceptron.composition.population.trained import Trained, train_together
from perceptron.errors import DivergedError
from perceptron.terminal.text import visible
from perceptron.training.processes import EndedError, can_fork, in_processes
from perceptron.training.threads import cores

log = logging.getLogger(__name__)

Share = Sequence[Candidate]
Write = Callable[[int, Trained], JobReturn]


class Written(NamedTuple):
    """A share whose jobs are trained and written.

    Attributes:
        results: by number of the job; None for one that must be run as usual.
        n_failed: how many of them have failed.
    """

    results: dict[int, JobReturn | None]
    n_failed: int


def train_groups(
    groups: Sequence[Sequence[Candidate]], write: Write, *, max_members: int | None
) -> Iterator[dict[int, JobReturn | None]]:
    """Train groups in as many processes as are allowed, and write each share of one as soon as it is trained.

    Args:
        groups: of jobs.
        write: leaves a trained job's folder.
        max_members: trained at once, in all processes; None for what is good on the device.

    Yields:
        Results of a share by number of the job; None for one that must be run as usual.
    """
    n_processes = 1
    if can_fork():
        n_processes = max((cores(group[0].config["trainer"]["num_threads"]) for group in groups), default=1)
    if max_members is not None:
        n_processes = min(n_processes, max_members)
    cut = [shares(group, n_processes=n_processes, max_members=max_members) for group in groups]
    for number, (group, parts) in enumerate(zip(groups, cut, strict=True), start=1):
        where = f" in each of {n_processes} processes" if n_processes > 1 else " at once"
        at_once = f", {max(map(len, parts))}{where}" if len(parts) > 1 else ""
        log.info("group %d of %d: %d members%s: jobs %s", number, len(groups), len(group), at_once, in_words(group))
    yield from _train([part for parts in cut for part in parts], write, n_processes=n_processes)


def _train(parts: Sequence[Share], write: Write, *, n_processes: int) -> Iterator[dict[int, JobReturn | None]]:
    clock = time.perf_counter()
    n_members = n_failed = 0
    side_by_side = n_processes > 1 and len(parts) > 1
    for written in _in_processes(parts, write, n_processes) if side_by_side else _one_by_one(parts, write):
        n_members += sum(result is not None for result in written.results.values())
        n_failed += written.n_failed
        yield written.results
    if n_members:
        failed = f", {n_failed} failed" if n_failed else ""
        log.info("%d members trained in %.1f s%s", n_members, time.perf_counter() - clock, failed)


def _one_by_one(parts: Sequence[Share], write: Write) -> Iterator[Written]:
    threads = torch.get_num_threads()
    for share in parts:
        yield _written(train_together(share, *([EpochProgress()] if _shows_progress(share) else [])), write)
        torch.set_num_threads(threads)


def _in_processes(parts: Sequence[Share], write: Write, n_processes: int) -> Iterator[Written]:
    board = _Board(parts)

    def work(number: int) -> Written:
        return _written(train_together(parts[number], _Report(board, number), forked=True), write)

    try:
        tasks = [partial(work, number) for number in range(len(parts))]
        for number, result in in_processes(tasks, n_processes=n_processes, look=board.show):
            board.end(number)
            if isinstance(result, EndedError):
                log.warning("jobs %s run alone: %s", in_words(parts[number]), visible(result))
                yield Written(dict.fromkeys(candidate.number for candidate in parts[number]), 0)
            else:
                yield result
    finally:
        board.stop()


def _written(trained: Mapping[int, Trained | None], write: Write) -> Written:
    failures = [one.member.failure for one in trained.values() if one is not None]
    n_failed = sum(isinstance(failure, DivergedError) for failure in failures)
    results = {number: None if one is None else write(number, one) for number, one in trained.items()}
    return Written(results, n_failed)


def _shows_progress(share: Share) -> bool:
    config: Any = share[0].config
    callbacks = config["callbacks"].values()
    shown = any(part is not None and part["_target_"].endswith("Progress") for part in callbacks)
    return shown and config["trainer"]["enable_progress_bar"] is not False


class _Board:
    """How far each share is: written by the processes that train, shown by the one that waits."""

    def __init__(self, shares: Sequence[Share]) -> None:
        self.sizes = [len(share) for share in shares]
        self.max_epochs = [int(share[0].config["trainer"]["max_epochs"]) for share in shares]
        self.epochs = multiprocessing.RawArray("q", len(shares))
        self.living = multiprocessing.RawArray("q", self.sizes)
        self._bar: EpochBar | None = None
        if any(map(_shows_progress, shares)):
            total = sum(size * epochs for size, epochs in zip(self.sizes, self.max_epochs, strict=True))
            self._bar = EpochBar("epochs of members", total=total)

    def show(self) -> None:
        if self._bar is not None and self._bar.is_due:
            completed = sum(size * epochs for size, epochs in zip(self.sizes, self.epochs, strict=True))
            self._bar.move(completed, f"members {sum(self.living)}")

    def end(self, number: int) -> None:
        self.epochs[number], self.living[number] = self.max_epochs[number], 0

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()


class _Report(L.Callback):
    """Tells the process that waits how far a share is, and ends with it."""

    def __init__(self, board: _Board, number: int) -> None:
        self.board = board
        self.number = number
        self._parent = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        self._parent = os.getppid()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if os.getppid() != self._parent:
            raise SystemExit(1)
        self.board.epochs[self.number] = trainer.current_epoch
        self.board.living[self.number] = len(pl_module.living)  # type: ignore[arg-type]
