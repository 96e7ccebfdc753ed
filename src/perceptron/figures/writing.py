"""Draw several figures and write them to a folder; one that fails does not cost the others."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from matplotlib.figure import Figure

from perceptron.plots.animation import save_gif
from perceptron.plots.image import Pixels, save
from perceptron.terminal.text import visible

_log = logging.getLogger(__name__)

# Name of a figure, which is its file's, and a function that draws it, or returns None if there is nothing to draw.
Drawing = tuple[str, Callable[[], Figure | None]]


def drawn(drawings: Sequence[Drawing]) -> Iterator[tuple[str, Figure]]:
    """Draw figures and yield each with its name.

    A figure that cannot be drawn is logged as a warning: it must not cost the results of a long training.
    """
    for name, draw in drawings:
        figure = None
        with _warned(name):
            figure = draw()
        if figure is not None:
            yield name, figure


def written(drawings: Sequence[Drawing], folder: Path) -> Iterator[tuple[str, Pixels]]:
    """Draw figures, write each to ``figures/<name>.png`` and ``.svg`` in a folder, and yield its name and pixels."""
    (folder / "figures").mkdir(exist_ok=True)
    for name, figure in drawn(drawings):
        yield name, save(figure, folder / "figures", name)


def write_animation(name: str, draw_frames: Callable[[], Iterable[Figure]], folder: Path) -> None:
    """Draw frames and write them to ``figures/<name>.gif`` in a folder; a failure is a warning."""
    with _warned(f"{name}.gif"):
        save_gif(draw_frames(), folder / "figures", name)


@contextmanager
def _warned(name: str) -> Iterator[None]:
    """Log a warning where a figure cannot be drawn."""
    try:
        yield
    except Exception as error:
        _log.warning("the figure %s could not be drawn: %s: %s", name, type(error).__name__, visible(error))
