"""Drawing many figures, none of which may cost the others."""

import logging
from collections.abc import Callable, Iterator, Sequence

from matplotlib.figure import Figure

from perceptron.terminal.text import visible

_log = logging.getLogger(__name__)

# Name of a figure, which is its file's, and how to draw it; None where there is nothing to draw.
Drawing = tuple[str, Callable[[], Figure | None]]


def drawn(drawings: Sequence[Drawing]) -> Iterator[tuple[str, Figure]]:
    """Names and figures. One that cannot be drawn is a warning: it must not cost the results of a long training."""
    for name, draw in drawings:
        try:
            figure = draw()
        except Exception as error:
            _log.warning("the figure %s could not be drawn: %s: %s", name, type(error).__name__, visible(error))
            continue
        if figure is not None:
            yield name, figure
