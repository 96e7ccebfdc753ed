"""The path of gradient descent on f(x) = x²."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron.plots.style import BLUE, GREY, ORANGE, new_figure

# The points that are named; the later ones are too close together.
_MOST_NAMED = 5
# Share of the half axis at which two names would overlap.
_CLOSE = 0.08


def draw_descent(path: Sequence[float], *, rate: float | None = None, n_shown: int | None = None) -> Figure:
    """Draw the parabola, the points that the descent visits, and the tangent at the first of them.

    Args:
        path: x₀, x₁, … in the order of the steps; at least one. Last values that are not finite are left out.
        rate: the learning rate; None if it is not known.
        n_shown: how many of them are drawn, for a frame of an animation, whose axes fit all; None for all.
    """
    visited = np.asarray(path, dtype=np.float64)
    n_steps = len(visited[:n_shown]) - 1
    unit = "step" if n_steps == 1 else "steps"
    visited = visited[np.isfinite(visited**2)]
    reach = 1.25 * max(np.abs(visited).max(), 0.1)
    x = np.linspace(-reach, reach, 200)
    visited = visited[:n_shown]
    start, end = visited[0], visited[-1]

    figure = new_figure(6, 4.5)
    axes = figure.add_subplot()
    axes.plot(x, x**2, color=GREY, label="f(x) = x²")
    axes.plot(x, start**2 + 2 * start * (x - start), color=ORANGE, linestyle="--", label=f"tangent at x = {start:g}")
    axes.plot(visited, visited**2, color=BLUE, marker="o", markersize=5, linewidth=1, label="path of the descent")
    for i, at in enumerate(visited[:_MOST_NAMED]):
        if i and np.abs(visited[:i] - at).min() < _CLOSE * reach:
            continue
        axes.annotate(f"$x_{i}$", (at, at**2), xytext=(6, 4) if at > 0 else (-14, 4), textcoords="offset points")
    axes.set_ylim(-0.15 * reach**2, 1.05 * reach**2)
    at_rate = "" if rate is None else f" at the rate {rate:g}"
    diverges = ": it diverges" if has_diverged(path[:n_shown]) else ""
    axes.set(
        xlabel="x",
        ylabel="f(x)",
        title=f"{n_steps} {unit} of gradient descent{at_rate},\nto x = {end:.3g}{diverges}",
    )
    axes.legend(loc="upper center")
    return figure


def has_diverged(path: Sequence[float]) -> bool:
    """Whether the last point is farther from the minimum at 0 than the first, or not finite."""
    return not abs(path[-1]) <= abs(path[0])
