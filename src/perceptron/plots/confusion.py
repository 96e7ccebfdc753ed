"""The confusion matrix."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron.plots.arrays import Labels
from perceptron.plots.style import SEQUENTIAL, panels, shown

Counts = npt.NDArray[np.int64]

# With more classes the numbers in the cells would be too small to read.
_MOST_NUMBERED = 12


def confusion_counts(target: Labels, labels: Labels, *, n_classes: int) -> Counts:
    """Number of rows for each true class (row) and predicted class (column), ``(n_classes, n_classes)``."""
    return np.bincount(target * n_classes + labels, minlength=n_classes**2).reshape(n_classes, n_classes)


def confusion_rates(counts: Counts) -> npt.NDArray[np.float64]:
    """Counts divided by the number of rows of the true class; 0 for a class without rows."""
    rows = counts.sum(axis=1, keepdims=True)
    rates: npt.NDArray[np.float64] = counts / np.maximum(rows, 1)
    return rates


def draw_confusion(counts: Counts, class_names: Sequence[str], *, rows: str) -> Figure:
    """Draw counts beside rates.

    Args:
        counts: from ``confusion_counts``.
        class_names: in the order of the labels.
        rows: which rows these are, in words, such as ``test rows``.
    """
    size = 3.7 if len(class_names) <= 4 else 5.2
    figure, (left, right) = panels(2, width=size, height=size)
    names = [shown(name) for name in class_names]
    _draw_cells(left, counts, names, form="{:d}", most=max(int(counts.max()), 1))
    _draw_cells(right, confusion_rates(counts), names, form="{:.2f}", most=1)
    left.set(title="number of rows", ylabel="true class")
    right.set(title="share of the true class")
    n_right, n_all = int(np.trace(counts)), int(counts.sum())
    figure.suptitle(f"Confusion: {n_right} of {n_all} {rows} are labelled right")
    return figure


def _draw_cells(axes: Axes, values: npt.NDArray[np.number], names: Sequence[str], *, form: str, most: float) -> None:
    axes.imshow(values, cmap=SEQUENTIAL, vmin=0, vmax=most)
    numbers = np.arange(len(names))
    long = sum(len(name) for name in names) > 24
    axes.set_xticks(numbers, names, rotation=45 if long else 0, ha="right" if long else "center")
    axes.set_yticks(numbers, names)
    axes.set_xlabel("predicted class")
    if len(names) > _MOST_NUMBERED:
        return
    for i, j in np.ndindex(values.shape):
        dark = values[i, j] > 0.6 * most
        # With many classes most counts are 0, and would distract from the few that are not.
        if values[i, j] > 0 or len(names) <= 4:
            axes.text(j, i, form.format(values[i, j]), ha="center", va="center", color="white" if dark else "black")
