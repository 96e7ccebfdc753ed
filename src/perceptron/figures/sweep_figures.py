"""The figures of a sweep, in its folder and on TensorBoard. Imports matplotlib."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from perceptron.figures.intervals import draw_intervals
from perceptron.figures.setting_importance import importance
from perceptron.figures.writing import Drawing, written
from perceptron.plots.sweep import draw_importance, draw_rates
from perceptron.sweeps.ranking import Ranking

_RATE = "optimizer.lr"


def write_sweep_figures(folder: Path, rankings: Sequence[Ranking]) -> None:
    """Draw the intervals of every setting, the score over the learning rate, and the importance of each setting.

    Args:
        folder: of the sweep; the figures go to ``figures/``, and as images to ``tensorboard/``.
        rankings: of the finished jobs; at least one.
    """
    drawings: list[Drawing] = [("intervals", lambda: partial(draw_intervals, rankings))]
    for ranking in rankings:
        suffix = f"_{ranking.data}" if len(rankings) > 1 else ""
        drawings += [
            (f"learning_rate{suffix}", lambda ranking=ranking: partial(_rates, ranking)),  # type: ignore[misc]
            (f"importance{suffix}", lambda ranking=ranking: partial(_importance, ranking)),  # type: ignore[misc]
        ]
    with SummaryWriter(str(folder / "tensorboard")) as writer:
        for name, pixels in written(drawings, folder):
            writer.add_image(f"sweep/{name}", pixels, dataformats="HWC")


def _rates(ranking: Ranking) -> Figure | None:
    if _RATE not in ranking.columns:
        return None
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in ranking.rows:
        if not row.setting[_RATE]:
            continue
        rest = row.name(without=[_RATE], named=True)
        for result in row.results:
            score = result.metrics.get(ranking.ranked_by)
            if score is not None and score == score:
                scores[rest].append((float(row.setting[_RATE]), score))
    return draw_rates(scores, score=ranking.ranked_by) if scores else None


def _importance(ranking: Ranking) -> Figure | None:
    runs = [
        (row.setting, result.metrics.get(ranking.ranked_by, float("nan")))
        for row in ranking.rows
        for result in row.results
    ]
    shares = importance([setting for setting, _ in runs], [score for _, score in runs])
    return draw_importance(shares, score=ranking.ranked_by, n_runs=len(runs)) if shares else None
