"""The decision boundary of a classifier of two features through training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from perceptron.plots.arrays import Floats, Labels
from perceptron.plots.style import BLACK, COLOURS, DIVERGING, new_figure, shown

_N_POINTS = 50
_MOST_POINTS = 400


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """Predictions on a grid at one time of training.

    Attributes:
        when: the time in words.
        probabilities: ``(n_points, n_classes)`` at the points of ``grid_of``, in their order.
    """

    when: str
    probabilities: Floats


def grid_of(features: Floats) -> tuple[Floats, Floats, Floats]:
    """Coordinates of a grid over two features, and its points ``(n_points, 2)``; the first feature varies fastest."""
    low, high = features.min(axis=0), features.max(axis=0)
    margin = 0.1 * (high - low)
    x, y = (np.linspace(low[i] - margin[i], high[i] + margin[i], _N_POINTS) for i in range(2))
    first, second = np.meshgrid(x, y)
    return x, y, np.column_stack([first.ravel(), second.ravel()]).astype(np.float32)


def draw_boundaries(
    boundaries: Sequence[Boundary],
    features: Floats,
    target: Labels,
    *,
    offsets: Sequence[float] = (),
    feature_names: Sequence[str],
    class_names: Sequence[str],
    threshold: float | None,
    rows: str,
) -> Figure:
    """Draw a panel for each time, with the rows as points.

    Args:
        boundaries: at least one, in the order of time, on ``grid_of(features)``.
        features: ``(n_rows, 2)`` without their offsets.
        target: ``(n_rows,)`` labels.
        offsets: of the two features, for the axes; empty for zeros.
        feature_names: two names.
        class_names: in the order of the labels.
        threshold: lowest probability at which a row is labelled as the second of two classes.
        rows: which rows are shown, in words.
    """
    x, y, _ = grid_of(features)
    if offsets:
        x, y, features = x + np.float64(offsets[0]), y + np.float64(offsets[1]), features + np.array(offsets)
    columns = min(len(boundaries), 3)
    n_lines = -(-len(boundaries) // columns)
    # A single panel, as in an animation, leaves room for the title and the legend.
    figure = new_figure(*((7.0, 4.5) if len(boundaries) == 1 else (3.1 * columns + 1.0, 2.9 * n_lines + 0.8)))
    grid = figure.subplots(n_lines, columns, squeeze=False, sharex=True, sharey=True)
    some = slice(None, None, -(-len(target) // _MOST_POINTS))
    two = len(class_names) == 2
    # For two classes these are the ends of the probability's colours, so that points match the background.
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(class_names))]
    shape = (len(y), len(x))
    ground = None
    for axes in grid.flat[len(boundaries) :]:
        axes.set_axis_off()
    for axes, boundary in zip(grid.flat, boundaries, strict=False):
        if two:
            of_second = boundary.probabilities[:, 1].reshape(shape)
            ground = axes.contourf(x, y, of_second, levels=np.linspace(0, 1, 11), cmap=DIVERGING, alpha=0.75)
            axes.contour(x, y, of_second, levels=[threshold or 0.5], colors=BLACK, linewidths=1.2)
        else:
            winners = boundary.probabilities.argmax(axis=1).reshape(shape)
            axes.pcolormesh(
                x, y, winners, cmap=ListedColormap(colours), vmin=-0.5, vmax=len(colours) - 0.5, alpha=0.35,
                rasterized=True,
            )  # fmt: skip
        for label, colour in enumerate(colours):
            of_class = features[some][target[some] == label]
            # A line's markers share one shape in the SVG; those of a scatter plot would make it ten times as large.
            axes.plot(
                *of_class.T, linestyle="", marker="o", markersize=3.2, color=colour, markeredgecolor="white",
                markeredgewidth=0.3, label=shown(class_names[label]),
            )  # fmt: skip
        axes.set_title(boundary.when, fontsize="medium")
    figure.supxlabel(shown(feature_names[0]))
    figure.supylabel(shown(feature_names[1]))
    figure.legend(*grid[0, 0].get_legend_handles_labels(), title="true class", loc="outside right upper")
    if ground is not None:
        figure.colorbar(ground, ax=grid, label=f"predicted probability of {shown(class_names[1])}", shrink=0.8)
    figure.suptitle(f"Decision boundary through training, over {rows}")
    return figure
