"""Whether what is said to be 80 % sure is right in 80 % of the rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from perceptron.plots.arrays import Floats, Labels
from perceptron.plots.style import BLUE, GREY, SKY, new_figure

N_BINS = 15


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Rows in bins of equal width by what the model says; empty bins are left out.

    Attributes:
        said: ``(n_bins,)`` mean probability of the bin's rows.
        happened: ``(n_bins,)`` share of the bin's rows where it was so.
        n_rows: ``(n_bins,)`` number of rows.
    """

    said: Floats
    happened: Floats
    n_rows: npt.NDArray[np.int64]

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean distance of the two, weighted by rows (Guo et al. 2017)."""
        return float(np.average(np.abs(self.said - self.happened), weights=self.n_rows))


def reliability(probabilities: Floats, target: Labels) -> Reliability:
    """Of two classes the probability of the second; of more, the probability of the predicted class.

    Args:
        probabilities: ``(n_rows, n_classes)``.
        target: ``(n_rows,)``.
    """
    if probabilities.shape[1] == 2:
        said, happened = probabilities[:, 1], target == 1
    else:
        said, happened = probabilities.max(axis=1), probabilities.argmax(axis=1) == target
    said = said.astype(np.float64)
    bins = np.minimum((said * N_BINS).astype(np.int64), N_BINS - 1)
    n_rows = np.bincount(bins, minlength=N_BINS)
    filled = n_rows > 0
    return Reliability(
        said=np.bincount(bins, said, N_BINS)[filled] / n_rows[filled],
        happened=np.bincount(bins, happened, N_BINS)[filled] / n_rows[filled],
        n_rows=n_rows[filled],
    )


def draw_calibration(measured: Reliability, *, positive: str | None, rows: str) -> Figure:
    """The bins against the diagonal, their numbers of rows below.

    Args:
        measured: from ``reliability``.
        positive: name of the class whose probability it is; None for that of the predicted class.
        rows: which rows these are.
    """
    figure = new_figure(4.8, 4.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="calibrated")
    above.plot(measured.said, measured.happened, color=BLUE, marker="o", label="model")
    above.set(
        ylabel="share that are right" if positive is None else f"share of {positive}",
        title=f"Calibration on {rows}, expected error {measured.expected_error:.3f}",
    )
    above.legend()
    below.bar(measured.said, measured.n_rows, width=0.7 / N_BINS, color=SKY)
    below.set(
        xlabel="probability of the predicted class" if positive is None else f"predicted probability of {positive}",
        ylabel="rows",
        xlim=(-0.02, 1.02),
    )
    return figure
