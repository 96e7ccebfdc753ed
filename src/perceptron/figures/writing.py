"""Draw several figures and write them to a folder; one that fails does not cost the others."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

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
        try:
            figure = draw()
        except Exception as error:
            _log.warning("the figure %s could not be drawn: %s: %s", name, type(error).__name__, visible(error))
            continue
        if figure is not None:
            yield name, figure


def written(drawings: Sequence[Drawing], folder: Path) -> Iterator[tuple[str, Pixels]]:
    """Draw figures, write each to ``figures/<name>.png`` and ``.svg`` in a folder, and yield its name and pixels."""
    (folder / "figures").mkdir(exist_ok=True)
    for name, figure in drawn(drawings):
        yield name, save(figure, folder / "figures", name)
