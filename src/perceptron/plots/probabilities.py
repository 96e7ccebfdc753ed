"""The distribution of predicted probabilities, class by class."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from perceptron.plots.arrays import Floats, Labels
from perceptron.plots.style import BLUE, GREY, ORANGE, SEQUENTIAL, new_figure, shown

N_BINS = 20


def counts_by_class(probabilities: Floats, target: Labels) -> npt.NDArray[np.int64]:
    """Number of rows of each class in bins of equal width over a probability, ``(n_classes, N_BINS)``.

    The probability is that of the second of two classes, or of the row's true class if there are more.

    Args:
        probabilities: ``(n_rows, n_classes)``.
        target: ``(n_rows,)`` labels.
    """
    n_classes = probabilities.shape[1]
    asked = probabilities[:, 1] if n_classes == 2 else probabilities[np.arange(len(target)), target]
    bins = np.minimum((asked * N_BINS).astype(np.int64), N_BINS - 1)
    return np.bincount(target * N_BINS + bins, minlength=n_classes * N_BINS).reshape(n_classes, N_BINS)


def draw_probabilities(
    counts: npt.NDArray[np.int64], class_names: Sequence[str], *, threshold: float | None, rows: str
) -> Figure:
    """Draw two classes as two histograms, more classes as a row of bins each.

    Args:
        counts: from ``counts_by_class``.
        class_names: in the order of the labels.
        threshold: lowest probability at which a row is labelled as the second of two classes.
        rows: which rows these are, in words.
    """
    names = [shown(name) for name in class_names]
    edges = np.linspace(0, 1, N_BINS + 1)
    if len(names) > 2:
        figure = new_figure(6.0, max(3.2, 1.2 + 0.32 * len(names)))
        axes = figure.add_subplot()
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        image = axes.imshow(
            shares, aspect="auto", cmap=SEQUENTIAL, vmin=0, vmax=1, extent=(0, 1, len(names) - 0.5, -0.5)
        )
        figure.colorbar(image, ax=axes, label="share of the class's rows")
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="predicted probability of the true class", ylabel="true class")
    else:
        figure = new_figure()
        axes = figure.add_subplot()
        for of_class, name, colour in zip(counts, names, (BLUE, ORANGE), strict=True):
            axes.stairs(of_class, edges, fill=True, color=colour, alpha=0.45, label=name)
            axes.stairs(of_class, edges, color=colour)
        if threshold is not None:
            axes.axvline(threshold, color=GREY, linestyle="--", label=f"threshold {threshold:g}")
        axes.set(xlabel=f"predicted probability of {names[1]}", ylabel="number of rows")
        if counts.max() > 20 * max(np.median(counts[counts > 0]), 1):
            axes.set_yscale("symlog", linthresh=1)
        # Beside the axes, which the line of the threshold crosses.
        figure.legend(title="true class", loc="outside lower center", ncols=3)
    axes.set_title(f"Probabilities by class, {int(counts.sum())} {rows}")
    return figure
