"""Calibration: whether predictions with a probability of 80 % are right in 80 % of the rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from perceptron.plots.arrays import Floats, Labels
from perceptron.plots.style import BLUE, GREY, SKY, new_figure

N_BINS = 15
# Quantile of the normal distribution for an interval of 95 %.
_Z = 1.96


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Rows in bins of equal width over the predicted probability; empty bins are left out.

    Attributes:
        predicted: ``(n_bins,)`` mean predicted probability in the bin.
        observed: ``(n_bins,)`` share of the bin's rows in which the prediction was right.
        n_rows: ``(n_bins,)`` number of rows in the bin.
    """

    predicted: Floats
    observed: Floats
    n_rows: npt.NDArray[np.int64]

    @property
    def interval(self) -> tuple[Floats, Floats]:
        """Ends of the 95 % intervals of ``observed``, wide for bins of few rows (Wilson 1927)."""
        n = self.n_rows
        middle = (self.observed + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * np.sqrt(self.observed * (1 - self.observed) / n + _Z**2 / (4 * n**2))
        return middle - half, middle + half

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean distance of the two, weighted by the number of rows (Guo et al. 2017)."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.n_rows))


def reliability(probabilities: Floats, target: Labels) -> Reliability:
    """Bin the probability of the second of two classes, or of the predicted class if there are more.

    Args:
        probabilities: ``(n_rows, n_classes)``.
        target: ``(n_rows,)`` labels.
    """
    if probabilities.shape[1] == 2:
        predicted, observed = probabilities[:, 1], target == 1
    else:
        predicted, observed = probabilities.max(axis=1), probabilities.argmax(axis=1) == target
    predicted = predicted.astype(np.float64)
    bins = np.minimum((predicted * N_BINS).astype(np.int64), N_BINS - 1)
    n_rows = np.bincount(bins, minlength=N_BINS)
    filled = n_rows > 0
    return Reliability(
        predicted=np.bincount(bins, predicted, N_BINS)[filled] / n_rows[filled],
        observed=np.bincount(bins, observed, N_BINS)[filled] / n_rows[filled],
        n_rows=n_rows[filled],
    )


def draw_calibration(measured: Reliability, *, positive: str | None, rows: str) -> Figure:
    """Draw the bins against the diagonal, and below them their numbers of rows.

    Args:
        measured: from ``reliability``.
        positive: name of the class whose probability is binned; None for the predicted class.
        rows: which rows these are, in words.
    """
    figure = new_figure(4.8, 4.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="calibrated")
    low, high = measured.interval
    above.vlines(measured.predicted, low, high, color=SKY, label="95 % interval")
    above.plot(measured.predicted, measured.observed, color=BLUE, marker="o", linestyle="", label="model, in bins")
    n_rows = int(measured.n_rows.sum())
    above.set(
        ylabel="share that are right" if positive is None else f"share of {positive}",
        title=f"Calibration on {n_rows} {rows},\nexpected error {measured.expected_error:.3f}",
    )
    above.legend()
    bars = below.bar(measured.predicted, measured.n_rows, width=0.7 / N_BINS, color=SKY)
    below.bar_label(bars, fontsize="x-small")
    below.margins(y=0.25)
    below.set(
        xlabel="probability of the predicted class" if positive is None else f"predicted probability of {positive}",
        ylabel="rows",
        xlim=(-0.02, 1.02),
    )
    return figure
