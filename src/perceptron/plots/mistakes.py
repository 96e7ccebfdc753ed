"""The wrong predictions with the highest probabilities."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from perceptron.plots.arrays import Floats, Labels
from perceptron.plots.style import GREY, ORANGE, SKY, new_figure, shown

_PIXEL = re.compile(r"pixel_(\d+)_(\d+)")


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction.

    Attributes:
        position: index of the row.
        true: its class.
        predicted: the predicted class.
        probability: of the predicted class.
    """

    position: int
    true: int
    predicted: int
    probability: float


def surest_mistakes(probabilities: Floats, target: Labels, labels: Labels, *, most: int = 12) -> list[Mistake]:
    """Wrong predictions, by falling probability.

    Args:
        probabilities: ``(n_rows, n_classes)``.
        target: ``(n_rows,)`` true classes.
        labels: ``(n_rows,)`` predicted classes.
        most: largest number to return.
    """
    (wrong,) = np.nonzero(labels != target)
    sureness = probabilities[wrong, labels[wrong]]
    order = np.argsort(-sureness, kind="stable")[:most]
    return [
        Mistake(int(row), int(target[row]), int(labels[row]), float(probability))
        for row, probability in zip(wrong[order], sureness[order], strict=True)
    ]


def image_shape(feature_names: Sequence[str]) -> tuple[int, int] | None:
    """Height and width if the features are the pixels of an image, row by row; else None."""
    found = [_PIXEL.fullmatch(name) for name in feature_names]
    places = [(int(match[1]), int(match[2])) for match in found if match]
    if len(places) != len(feature_names) or not places:
        return None
    height, width = places[-1][0] + 1, places[-1][1] + 1
    whole = [(i, j) for i in range(height) for j in range(width)]
    return (height, width) if places == whole else None


def draw_mistakes(
    mistakes: Sequence[Mistake],
    class_names: Sequence[str],
    *,
    row_numbers: npt.NDArray[np.int64],
    images: Floats | None,
    n_wrong: int,
    rows: str,
) -> Figure:
    """Draw the rows as images if they are images, else bars of the predicted classes' probabilities.

    Args:
        mistakes: from ``surest_mistakes``, at least one.
        class_names: in the order of the labels.
        row_numbers: number in the table of each row that was given to ``surest_mistakes``.
        images: ``(n_rows, height, width)``; None if the rows are not images.
        n_wrong: number of all wrong predictions.
        rows: which rows these are, in words.
    """
    several = f"The {len(mistakes)} surest of {n_wrong}" if len(mistakes) < n_wrong else f"All {n_wrong}"
    title = f"{several} mistakes on {rows}" if n_wrong > 1 else f"The only mistake on {rows}"
    if images is not None:
        return _draw_images(mistakes, class_names, row_numbers, images, title)
    figure = new_figure(5.6, 1.3 + 0.3 * len(mistakes))
    axes = figure.add_subplot()
    positions = range(len(mistakes))
    axes.barh(positions, [mistake.probability for mistake in mistakes], color=SKY)
    for i, mistake in enumerate(mistakes):
        names = f"{shown(class_names[mistake.true])} → {shown(class_names[mistake.predicted])}"
        axes.text(0.02, i, f"{names}, {mistake.probability:.3f}", va="center")
    axes.set_yticks(positions, [f"row {row_numbers[mistake.position]}" for mistake in mistakes])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="probability of the predicted class (true → predicted)", ylabel="row of the table")
    figure.suptitle(title)
    return figure


def _draw_images(
    mistakes: Sequence[Mistake],
    class_names: Sequence[str],
    row_numbers: npt.NDArray[np.int64],
    images: Floats,
    heading: str,
) -> Figure:
    columns = min(len(mistakes), 4)
    n_lines = -(-len(mistakes) // columns)
    height, width = images.shape[1:]
    # One axes for all images, with gaps for the text: an axes each takes three times as long to lay out (measured).
    gap, line = width * 0.15, height * 1.4
    figure = new_figure(max(1.9 * columns, 5.0), 0.7 + 2.25 * n_lines)
    axes = figure.add_subplot()
    for place, mistake in enumerate(mistakes):
        left, top = place % columns * (width + gap), place // columns * line
        axes.imshow(images[mistake.position], cmap="gray_r", extent=(left, left + width, top + height, top))
        # White pixels at the edge would look like no image.
        axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=GREY, linewidth=0.8))
        middle = left + width / 2
        names = f"{shown(class_names[mistake.true])} → {shown(class_names[mistake.predicted])}"
        title = f"{names}, {mistake.probability:.2f}"
        axes.text(middle, top - 0.03 * height, title, color=ORANGE, ha="center", va="bottom")
        axes.text(middle, top + 1.03 * height, f"row {row_numbers[mistake.position]}", ha="center", va="top")
    # A little more than the images, for the frames at the edges.
    edge = 0.01 * width
    axes.set(xlim=(-edge, columns * (width + gap) - gap + edge), ylim=(n_lines * line - 0.2 * height, -0.2 * height))
    axes.set_axis_off()
    figure.suptitle(f"{heading}\ntrue → predicted, its probability")
    return figure
