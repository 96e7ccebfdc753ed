"""Colours, sizes and names that all figures share."""

from collections.abc import Sequence
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by the colour-blind: https://jfly.uni-koeln.de/color
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
AMBER, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#666666"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY, BLACK, GREY)
# After all colours are used, they are repeated with the next line style.
_LINES = ("-", "--", ":", "-.")

# For values of both signs, with white at zero; and for values from zero up.
DIVERGING = LinearSegmentedColormap.from_list("blue_orange", [BLUE, "#FFFFFF", ORANGE])
SEQUENTIAL = LinearSegmentedColormap.from_list("white_blue", ["#FFFFFF", BLUE])

_LONGEST_NAME = 22
_LINE_OF_SETTING, _LONGEST_SETTING = 48, 132


def colour_and_line(i: int) -> tuple[str, str]:
    """Colour and line style of the i-th curve; 32 combinations differ."""
    return COLOURS[i % len(COLOURS)], _LINES[i // len(COLOURS) % len(_LINES)]


def shown(name: str) -> str:
    """A name from the data in one line, shortened, with no part of it read as a formula."""
    words = _one_line(name)
    return _plain(words if len(words) <= _LONGEST_NAME else words[: _LONGEST_NAME - 1] + "…")


def shown_whole(name: str) -> str:
    """A name as ``shown``, but in up to three lines, and shortened in its middle: settings differ at their ends."""
    words, half = _one_line(name), _LONGEST_SETTING // 2
    short = words if len(words) <= _LONGEST_SETTING else f"{words[: half - 1]}…{words[-half:]}"
    return _plain(fill(short, _LINE_OF_SETTING, break_on_hyphens=False))


def _one_line(name: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


def _plain(text: str) -> str:
    """A text that matplotlib does not read as a formula."""
    return text.replace("$", r"\$")


def new_figure(width: float = 5.2, height: float = 4.0) -> Figure:
    """An empty figure with sizes in inches; its text stays legible on TensorBoard, which shows it 400 pixels wide."""
    return Figure(figsize=(width, height), layout="constrained")


def panels(n: int, *, width: float = 3.7, height: float = 3.5) -> tuple[Figure, Sequence[Axes]]:
    """A figure with ``n`` axes side by side, each of a size in inches."""
    figure = new_figure(width * n, height)
    return figure, figure.subplots(1, n, squeeze=False)[0]
