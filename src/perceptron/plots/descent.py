"""The path of gradient descent on f(x) = x²."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron.plots.style import BLUE, GREY, ORANGE, new_figure


def draw_descent(path: Sequence[float], *, n_shown: int | None = None) -> Figure:
    """Draw the parabola, the points that the descent visits, and the tangent at the first of them.

    Args:
        path: x₀, x₁, … in the order of the steps; at least one.
        n_shown: how many of them are drawn, for a frame of an animation, whose axes fit all; None for all.
    """
    visited = np.asarray(path, dtype=np.float64)
    reach = 1.25 * max(np.abs(visited).max(), 0.1)
    x = np.linspace(-reach, reach, 200)
    start, visited = visited[0], visited[:n_shown]

    figure = new_figure(6, 4.5)
    axes = figure.add_subplot()
    axes.plot(x, x**2, color=GREY, label="f(x) = x²")
    axes.plot(
        x,
        start**2 + 2 * start * (x - start),
        color=ORANGE,
        linestyle="--",
        label=f"tangent at x = {start:g}",
    )
    axes.plot(visited, visited**2, color=BLUE, marker="o", markersize=5, linewidth=1, label="path of the descent")
    axes.set_ylim(-0.15 * reach**2, 1.05 * reach**2)
    axes.set(
        xlabel="x",
        ylabel="f(x)",
        title=f"{len(visited) - 1} steps of gradient descent, to x = {visited[-1]:.3g}",
    )
    axes.legend()
    return figure
