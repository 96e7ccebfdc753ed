"""Residuals of a regression."""

import numpy as np
from matplotlib.figure import Figure

from perceptron.plots.arrays import Floats
from perceptron.plots.style import BLUE, GREY, ORANGE, SKY, panels, shown

# A cloud of more points looks the same in a larger file.
_MOST_POINTS = 2000


def residuals(predictions: Floats, target: Floats) -> Floats:
    """Predicted minus true values, ``(n_rows,)`` float64 in the target's units."""
    return predictions.astype(np.float64) - target.astype(np.float64)


def draw_residuals(predictions: Floats, target: Floats, *, name: str, rows: str) -> Figure:
    """Draw predicted against true values, residuals against predicted values, and a histogram of the residuals.

    Args:
        predictions: ``(n_rows,)`` in the target's units.
        target: ``(n_rows,)`` in the same units.
        name: of the target.
        rows: which rows these are, in words.
    """
    left_over = residuals(predictions, target)
    error = float(np.sqrt(np.mean(left_over**2)))
    step = -(-len(target) // _MOST_POINTS)
    some = slice(None, None, step)
    figure, (against, over, lie) = panels(3, width=3.4, height=3.5)
    ends = [min(target.min(), predictions.min()), max(target.max(), predictions.max())]
    against.plot(ends, ends, color=GREY, linestyle=":", label="predicted = true")
    against.plot(target[some], predictions[some], color=BLUE, marker=".", linestyle="", alpha=0.6, rasterized=step > 1)
    against.set(xlabel=f"true {shown(name)}", ylabel=f"predicted {shown(name)}", title="Predicted against true")
    against.legend(fontsize="small")
    over.axhline(0, color=GREY, linestyle=":")
    over.plot(predictions[some], left_over[some], color=BLUE, marker=".", linestyle="", alpha=0.6, rasterized=step > 1)
    over.set(xlabel=f"predicted {shown(name)}", ylabel="predicted - true", title="Residuals")
    lie.hist(left_over, bins=min(30, max(5, len(target) // 8)), color=SKY, edgecolor="white")
    lie.axvline(left_over.mean(), color=ORANGE, label=f"mean {left_over.mean():.3g}")
    lie.set(xlabel="predicted - true", ylabel="number of rows", title=f"Root mean square {error:.4g}")
    lie.legend(fontsize="small")
    figure.suptitle(f"{len(target)} {rows}, in units of {shown(name)}")
    return figure
