"""The loss surface around trained weights, and the path of the training on it (Li et al. 2018, arXiv:1712.09913)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from perceptron.plots.arrays import Floats
from perceptron.plots.style import AMBER, BLACK, ORANGE, panels

LossOf = Callable[[Floats], float]

_N_POINTS = 17
_MARGIN = 0.25
# Losses with a larger ratio are coloured by their logarithm.
_WIDE = 10.0


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A plane through the trained weights, which are at (0, 0).

    Attributes:
        centre: ``(n_weights,)`` the trained weights.
        directions: ``(2, n_weights)``.
        explained: share of the path's variance along each direction; None for random directions.
    """

    centre: Floats
    directions: Floats
    explained: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Losses on a grid over a plane.

    Attributes:
        plane: the plane.
        x: ``(n,)`` coordinates along the first direction.
        y: ``(n,)`` along the second.
        losses: ``(n, n)`` at ``centre + x[j] * directions[0] + y[i] * directions[1]``.
        path: ``(n_snapshots, 2)`` weights through training, projected on the plane; may be empty.
        path_losses: ``(n_snapshots,)`` losses at these weights, before projection.
        n_to_trained: number of snapshots up to the trained weights, these included; later weights were not kept.
        trained_loss: loss at (0, 0).
    """

    plane: Plane
    x: Floats
    y: Floats
    losses: Floats
    path: Floats
    path_losses: Floats
    n_to_trained: int
    trained_loss: float


def principal_plane(path: Floats, trained: Floats) -> Plane | None:
    """The plane of the two principal directions of the path, relative to the trained weights.

    Args:
        path: ``(n_snapshots, n_weights)``.
        trained: ``(n_weights,)``.

    Returns:
        None if the path has fewer than two directions.
    """
    moves = (path - trained).astype(np.float64)
    if min(moves.shape) < 2:
        return None
    _, lengths, directions = np.linalg.svd(moves, full_matrices=False)
    if lengths[1] <= 1e-6 * lengths[0]:
        return None
    shares = lengths**2 / np.sum(lengths**2)
    return Plane(
        centre=trained.astype(np.float64), directions=directions[:2], explained=(float(shares[0]), float(shares[1]))
    )


def random_plane(parts: Sequence[Floats], *, seed: int) -> Plane:
    """A plane of two random directions, normalised filter by filter to the norms of the trained weights.

    A filter is the weights into one unit. Biases do not vary.

    Args:
        parts: the trained weights, layer by layer, in the order in which they are flattened.
        seed: of the directions.
    """
    generator = np.random.default_rng(seed)
    directions = []
    for _ in range(2):
        pieces = []
        for part in parts:
            drawn = generator.standard_normal(part.shape)
            if part.ndim < 2:
                pieces.append(np.zeros(part.size))
                continue
            filters = drawn.reshape(len(part), -1)
            lengths = np.linalg.norm(part.reshape(len(part), -1), axis=1, keepdims=True)
            pieces.append((filters * lengths / np.linalg.norm(filters, axis=1, keepdims=True)).ravel())
        directions.append(np.concatenate(pieces))
    centre = np.concatenate([part.ravel() for part in parts]).astype(np.float64)
    return Plane(centre=centre, directions=np.stack(directions), explained=None)


def loss_surface(plane: Plane, loss_of: LossOf, *, path: Floats | None = None, n_to_trained: int = 0) -> Surface:
    """Compute the losses on a plane.

    Args:
        plane: through the trained weights.
        loss_of: computes the loss at weights ``(n_weights,)``.
        path: ``(n_snapshots, n_weights)``; without one the grid extends from -1 to 1.
        n_to_trained: see ``Surface``.
    """
    if path is None or not len(path):
        seen = np.array([[-1.0, -1.0], [1.0, 1.0]]) / (1 + _MARGIN)
        coordinates, path_losses = np.zeros((0, 2)), np.zeros(0)
    else:
        coordinates = (path - plane.centre) @ plane.directions.T
        path_losses = np.array([loss_of(weights) for weights in path])
        seen = np.vstack([coordinates, [[0.0, 0.0]]])
    low, high = seen.min(axis=0), seen.max(axis=0)
    # If the path hardly moves along one direction, the grid is still a third as wide there.
    widths = np.maximum(high - low, (high - low).max() / 3)
    middle = (low + high) / 2
    x, y = (
        np.linspace(middle[i] - widths[i] * (0.5 + _MARGIN), middle[i] + widths[i] * (0.5 + _MARGIN), _N_POINTS)
        for i in range(2)
    )
    first, second = plane.directions
    losses = np.array([[loss_of(plane.centre + a * first + b * second) for a in x] for b in y])
    return Surface(
        plane=plane,
        x=x,
        y=y,
        losses=losses,
        path=coordinates,
        path_losses=path_losses,
        n_to_trained=n_to_trained,
        trained_loss=loss_of(plane.centre),
    )


def draw_surfaces(surfaces: Sequence[Surface], *, loss_units: str, rows: str) -> Figure:
    """Draw the contours of each surface side by side, with the path over them.

    Args:
        surfaces: at least one.
        loss_units: units of the loss.
        rows: the rows that the loss was computed on, in words.
    """
    figure, all_axes = panels(len(surfaces), width=4.3, height=3.9)
    for axes, surface in zip(all_axes, surfaces, strict=True):
        _draw_surface(figure, axes, surface, loss_units)
    # Below the axes, where it covers no part of the path; the first panel has all entries.
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize="small", facecolor="#CCCCCC", ncols=4, loc="outside lower center")
    figure.suptitle(f"Loss on {rows}, {surfaces[0].trained_loss:.4g} at the trained weights")
    return figure


def _draw_surface(figure: Figure, axes: Axes, surface: Surface, loss_units: str) -> None:
    finite = np.where(np.isfinite(surface.losses), surface.losses, np.nan)
    low, high = np.nanmin(finite), np.nanmax(finite)
    wide = low > 0 and high > _WIDE * low
    levels = np.geomspace(low, high, 14) if wide else np.linspace(low, high, 14)
    norm = LogNorm(low, high) if wide else Normalize(low, high)
    if high > low:
        drawn = axes.contourf(surface.x, surface.y, finite, levels=levels, norm=norm, cmap="cividis")
        axes.contour(surface.x, surface.y, finite, levels=levels[::2], norm=norm, colors="white", linewidths=0.4)
        # After the lines, whose norm would reset its ticks.
        bar = figure.colorbar(drawn, ax=axes, label=f"loss [{loss_units}]")
        # Round numbers, not the levels of the contours.
        ticks = _round_ticks(low, high) if wide else [float(at) for at in MaxNLocator(6).tick_values(low, high)]
        ticks = [tick for tick in ticks if low <= tick <= high]
        bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
        bar.minorticks_off()
    if len(surface.path):
        to, after = surface.path[: surface.n_to_trained], surface.path[surface.n_to_trained - 1 :]
        axes.plot(*to.T, color=ORANGE, marker=".", markersize=5, linewidth=1.2, label="weights after each epoch")
        if len(after) > 1:
            axes.plot(*after.T, color="white", marker=".", markersize=4, linewidth=0.8, label="after the kept weights")
        axes.plot(*to[0], color="white", marker="s", markeredgecolor=BLACK, linestyle="", label="start")
    axes.plot(
        0, 0, color=AMBER, marker="*", markersize=15, markeredgecolor=BLACK, linestyle="", label="trained weights"
    )
    if surface.plane.explained is None:
        axes.set(xlabel="random direction 1", ylabel="random direction 2", title="Random directions, filter-normalised")
    else:
        first, second = surface.plane.explained
        axes.set(
            xlabel=f"first principal direction, {first:.0%} of the path",
            ylabel=f"second principal direction, {second:.0%}",
            title="Path of the descent",
        )


def _round_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, with their doubles and halves if there are only a few."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(decades) < 6 else (1,)
    return [step * 10.0**decade for decade in decades for step in steps]
