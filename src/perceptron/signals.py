"""Signals as exceptions, so that files are closed or taken back and one line is said. Imports nothing heavy."""

import signal
import threading
from types import FrameType
from typing import NoReturn

from perceptron.errors import InterruptedRunError


def listen() -> None:
    """Have SIGINT and SIGTERM raise from now on, instead of a traceback or a silent end."""
    # Python hands signals to the main thread only.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _on_signal)


def _on_signal(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise InterruptedRunError(number)
