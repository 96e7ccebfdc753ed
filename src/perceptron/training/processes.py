"""Run tasks side by side in forked processes, which share what this process has prepared at no cost."""

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
from perceptron.terminal.signals import ending_signals, interrupt

Result = TypeVar("Result")
_SECONDS_BETWEEN_LOOKS = 0.1
# By which this process ends others: SIGTERM is Lightning's, SIGINT the terminal's, and SIGHUP may be switched off.
_END = signal.SIGUSR2
# What a step takes, or a file that is being written.
_SECONDS_TO_END = 5.0


class EndedError(Exception):
    """A process that ended without a result."""


def can_fork() -> bool:
    """Whether a fork of this process can train.

    Not on macOS, whose own libraries do not survive a fork, nor beside an accelerator, whose driver does not either and
    for which torch's autograd starts threads; nor in a process that another has started to end with it.
    """
    may_have_children = not multiprocessing.current_process().daemon
    return sys.platform == "linux" and may_have_children and not torch.accelerator.is_available()


def in_processes(
    tasks: Sequence[Callable[[], Result]], *, n_processes: int, look: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Result | EndedError]]:
    """Do tasks, each in a process of its own with one thread, so many at a time.

    Signals are this process's concern: where it is interrupted, so are the tasks.

    Args:
        tasks: what they give is pickled.
        n_processes: at a time.
        look: called ten times a second.

    Yields:
        Number of a task and its result, as they come.

    Raises:
        NoRoomError: where a task has found the disk full.
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
        # Not sooner: one that has given its result takes a while to give its memory back.
        for process in ended:
            process.join()


def _end(processes: Sequence[Any]) -> None:
    """End processes, which take back what they have half written."""
    for process in processes:
        if process.is_alive():
            os.kill(process.pid, _END)
    for process in processes:
        process.join(_SECONDS_TO_END)
        process.kill()
        process.join()


def _forked(task: Callable[[], Result]) -> tuple[Connection, Any]:
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_work, args=(task, sending), daemon=True)
    with warnings.catch_warnings():
        # Python 3.12 warns that another thread may hold a lock: those of NumPy and torch wait for work and hold none.
        warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
        # Until the new process has handlers of its own.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (*ending_signals(), _END))
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
    """What a forked process does."""
    # Ctrl-C reaches every process of a terminal; the one that waits for this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # OpenMP's threads are not forked, and a region of several would wait for them.
    torch.set_num_threads(1)
    try:
        signal.signal(_END, lambda number, _: interrupt(number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*ending_signals(), _END))
        sending.send(task())
    except InterruptedRunError:
        os._exit(1)
    except NoRoomError as error:
        sending.send(error)
    except Exception as error:
        sending.send(EndedError(f"{type(error).__name__}: {error}"))
    # The result is sent: nothing is left to interrupt.
    signal.pthread_sigmask(signal.SIG_BLOCK, (*ending_signals(), _END))
