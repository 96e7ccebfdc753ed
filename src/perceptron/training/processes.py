"""Run tasks side by side in processes forked from this one, which share its objects at no cost."""

import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

import torch

from perceptron.errors import InterruptedRunError, NoRoomError
from perceptron.terminal.signals import END_OF_TASK, ending_signals, interrupt

Result = TypeVar("Result")
_SECONDS_BETWEEN_LOOKS = 0.1
# Longer than a step takes, or the writing of a file.
_SECONDS_TO_END = 5.0


class EndedError(Exception):
    """A process ended without a result; the text says how."""


def can_fork() -> bool:
    """Whether a fork of this process can train.

    macOS is excluded, because its system libraries do not survive a fork; an accelerator, because its driver does not
    either, and torch's autograd starts threads for it; and a daemon process, because it may not have children.
    """
    may_have_children = not multiprocessing.current_process().daemon
    forks_safely = hasattr(os, "fork") and sys.platform != "darwin"
    return forks_safely and may_have_children and not torch.accelerator.is_available()


def in_processes(
    tasks: Sequence[Callable[[], Result]], *, n_processes: int, look: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Result | EndedError]]:
    """Run each task in a process of its own with one thread.

    This process handles signals: if it is interrupted, so are the tasks.

    Args:
        tasks: their results are pickled.
        n_processes: at the same time.
        look: called ten times a second.

    Yields:
        Number of a task and its result, in the order in which the tasks end.

    Raises:
        NoRoomError: if a task finds the disk full.
    """
    waiting = list(enumerate(tasks))[::-1]
    running: dict[Connection, tuple[int, Any]] = {}
    ended: list[Any] = []
    try:
        while waiting or running:
            while waiting and len(running) < n_processes:
                number, task = waiting.pop()
                receiving, process = _forked(task)
                running[receiving] = number, process
            ready = wait(list(running), timeout=_SECONDS_BETWEEN_LOOKS)
            look()
            for connection in ready:
                assert isinstance(connection, Connection)  # noqa: S101
                number, process = running[connection]
                result = _received(connection, process)
                del running[connection]
                ended.append(process)
                if isinstance(result, NoRoomError):
                    raise result
                yield number, result
    finally:
        _end([process for _, process in running.values()])
        # Not sooner: after sending its result, a process takes a while to free its memory.
        for process in ended:
            process.join()


def _end(processes: Sequence[Any]) -> None:
    """End processes, which remove the files that they have partly written."""
    for process in processes:
        if process.is_alive():
            os.kill(process.pid, END_OF_TASK)
    for process in processes:
        process.join(_SECONDS_TO_END)
        process.kill()
        process.join()


def _forked(task: Callable[[], Result]) -> tuple[Connection, Any]:
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_work, args=(task, sending), daemon=True)
    with warnings.catch_warnings():
        # Python 3.12 warns that another thread may hold a lock; the idle threads of NumPy and torch hold none.
        warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
        # Blocked until the new process has its own handlers.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (*ending_signals(), END_OF_TASK))
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    sending.close()
    return receiving, process


def _received(connection: Connection, process: Any) -> Any:
    try:
        result = connection.recv()
    except EOFError:
        process.join()
        result = EndedError(f"its process ended with {process.exitcode}")
    connection.close()
    return result


def _work(task: Callable[[], Any], sending: Connection) -> None:
    """Run a task in a forked process, and send its result."""
    # Ctrl-C reaches every process of a terminal; the waiting process ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A fork has none of OpenMP's threads, and a parallel region would wait for them.
    torch.set_num_threads(1)
    try:
        signal.signal(END_OF_TASK, lambda number, _: interrupt(number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*ending_signals(), END_OF_TASK))
        sending.send(task())
    except InterruptedRunError:
        os._exit(1)
    except NoRoomError as error:
        sending.send(error)
    except Exception as error:
        sending.send(EndedError(f"{type(error).__name__}: {error}"))
    # The result has been sent.
    signal.pthread_sigmask(signal.SIG_BLOCK, (*ending_signals(), END_OF_TASK))
