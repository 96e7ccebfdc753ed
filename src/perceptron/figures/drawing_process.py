"""A second process that draws figures, and imports matplotlib while the first one trains. Imports nothing heavy."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perceptron.plots.image import Pixels

_PROGRAM = "from perceptron.figures.drawing_process import serve; serve()"
_SECONDS_TO_END = 5


class DrawingFailedError(Exception):
    """A figure cannot be drawn; the text is that of the exception in the other process."""


class DrawingProcess:
    """Draws figures in a process of its own, one at a time.

    The two processes exchange pickles through pipes that only they have; nothing that is unpickled comes from a file.
    The process ends when this one does, however it ends, because it then reads the end of its input.
    """

    def __init__(self) -> None:
        # With -P no module of the working folder replaces one of Python's. What matplotlib prints about its fonts is
        # of no use; failures are returned.
        command = [sys.executable, "-P", "-c", _PROGRAM]
        self._process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def save(self, draw: "Callable[[], Figure | None]", folder: Path, name: str) -> "Pixels | None":
        """Draw a figure and write it, as ``perceptron.plots.image.save``; None if there is nothing to draw.

        Args:
            draw: can be pickled, such as a ``partial`` of a function of ``perceptron.plots`` and its arrays.
            folder: an existing folder.
            name: of the files.

        Raises:
            DrawingFailedError: if ``draw`` fails.
            OSError, EOFError, pickle.PicklingError: if the process has ended, or ``draw`` cannot be pickled.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101
        assert stdout is not None  # noqa: S101
        stdin.write(pickle.dumps((draw, folder.resolve(), name)))
        stdin.flush()
        failure, pixels = pickle.load(stdout)  # noqa: S301
        if failure:
            raise DrawingFailedError(failure)
        return pixels  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def is_worth_a_process() -> bool:
    """Whether this process may use a second core."""
    available = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return len(available) > 1


def serve() -> None:
    """Draw what is asked for on standard input until it ends; runs in the process that ``DrawingProcess`` starts."""
    # Ctrl-C reaches every process of a terminal. The one that trains decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not come between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Here, because the process that trains imports this file without matplotlib.
    from perceptron.plots.image import save, to_image
    from perceptron.plots.style import new_figure

    # The first figure reads the fonts.
    warm_up = new_figure()
    warm_up.add_subplot().set_title("0")
    to_image(warm_up)
    while True:
        try:
            draw, folder, name = pickle.load(requests)  # noqa: S301
        except EOFError:
            return
        answer: tuple[str, Any]
        try:
            figure = draw()
            answer = "", None if figure is None else save(figure, folder, name)
        except Exception as error:
            answer = f"{type(error).__name__}: {error}", None
        try:
            answers.write(pickle.dumps(answer))
            answers.flush()
        except BrokenPipeError:
            return
