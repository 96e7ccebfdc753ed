"""Signals that end the program: they raise an exception, and the program ends with one line. Imports nothing heavy."""

import _thread
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from perceptron.errors import InterruptedRunError, StoppedError
from perceptron.terminal.text import say

# Unwinding after the first signal, closing files and deleting temporary ones, takes less.
_SECONDS_TO_UNWIND = 2.0
_SECONDS_UNTIL_REPEATED = 0.01
# Ends a task in a process of its own: Lightning handles SIGTERM, the terminal sends SIGINT, and SIGHUP may be ignored.
# Windows has none to spare.
END_OF_TASK = getattr(signal, "SIGUSR2", signal.SIGTERM)
_interrupted_at = -math.inf
# Number of the signal that was raised last, and by which the program should be ending.
_interrupted_by: int | None = None
_is_listening = False


def ending_signals() -> tuple[int, ...]:
    """Those that end the program; none outside the main thread.

    SIGINT, SIGTERM and, unless ``nohup`` has switched it off, SIGHUP; on Windows SIGBREAK instead of the last.
    """
    # Python runs handlers only in the main thread.
    if threading.current_thread() is not threading.main_thread():
        return ()
    closing = [getattr(signal, name) for name in ("SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    heard = [number for number in closing if signal.getsignal(number) != signal.SIG_IGN]
    return (signal.SIGINT, signal.SIGTERM, *heard)


def interrupt(number: int, advice: str | None = None) -> None:
    """Raise for a signal, unless the program is already ending because of another a moment ago.

    Raises:
        InterruptedRunError: with the signal's number and what to do next.
    """
    global _interrupted_at, _interrupted_by
    if time.monotonic() - _interrupted_at > _SECONDS_TO_UNWIND:
        _interrupted_at, _interrupted_by = time.monotonic(), number
        raise InterruptedRunError(number, advice)


def raise_if_lost() -> None:
    """Raise again for a signal whose exception a library swallowed, as torch does while it imports NumPy.

    Raises:
        InterruptedRunError: if there was such a signal.
    """
    if _interrupted_by is not None:
        raise InterruptedRunError(_interrupted_by)


@contextmanager
def listening() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP raise an ``InterruptedRunError`` inside; nested uses change nothing."""
    global _is_listening, _interrupted_at, _interrupted_by
    numbers = () if _is_listening else ending_signals()
    if not numbers:
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    unraisable = sys.unraisablehook
    _is_listening, _interrupted_at, _interrupted_by = True, -math.inf, None
    sys.unraisablehook = _repeat_if_lost
    try:
        for number in numbers:
            signal.signal(number, _on_signal)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = unraisable
        _is_listening, _interrupted_by = False, None


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """End the program with one line and the matching status when a signal or a full disk stops it.

    Nested uses change nothing.
    """
    if _is_listening:
        yield
        return
    try:
        with listening():
            try:
                yield
            except Exception:
                raise_if_lost()
                raise
    except StoppedError as error:
        # A second signal must not cut the line short.
        _handle_by(signal.SIG_IGN)
        _print_line(str(error))
        status = error.status
        # Everything is written or removed: if something blocks the exit, another signal ends the process.
        _handle_by(lambda *_: os._exit(status))
        sys.exit(status)
    except BaseException:
        _handle_by(signal.SIG_DFL)
        raise
    else:
        # Python's own handler of SIGINT would print a traceback while the process ends.
        _handle_by(signal.SIG_DFL)


def _on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    interrupt(number)


def _repeat_if_lost(unraisable: "sys.UnraisableHookArgs") -> None:
    """Resend a signal that arrived in a destructor or a weak reference's callback, where Python swallows exceptions."""
    global _interrupted_at
    if not isinstance(unraisable.exc_value, InterruptedRunError):
        sys.__unraisablehook__(unraisable)
        return
    _interrupted_at = -math.inf
    timer = threading.Timer(_SECONDS_UNTIL_REPEATED, _send_to_main_thread, (unraisable.exc_value.number,))
    timer.daemon = True
    timer.start()


def _send_to_main_thread(number: int) -> None:
    if hasattr(signal, "pthread_kill"):
        # Interrupts a system call, too.
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


def _handle_by(handler: "signal.Handlers | Callable[[int, FrameType | None], None]") -> None:
    for number in ending_signals():
        signal.signal(number, handler)


def _print_line(line: str) -> None:
    """Print on standard error, unless the terminal is closed, which is the usual reason for SIGHUP."""
    try:
        say(line, file=sys.stderr)
        sys.stderr.flush()
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
