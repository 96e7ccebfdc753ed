"""The ranking as a figure: means, intervals and single runs, a line per setting."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from perceptron.plots.style import BLUE, GREY, new_figure, shown_whole
from perceptron.sweeps.ranking import Ranking
from perceptron.sweeps.ranking_notes import repetition
from perceptron.sweeps.statistics import fewest_runs


def draw_intervals(rankings: Sequence[Ranking]) -> Figure:
    """Draw mean and 95 % interval of each ranking's metric, the best setting on top, and a dot for each run.

    A mean without a bar has no interval. The label of the axis says what the bars cover, or why there are none.

    Args:
        rankings: at least one.
    """
    names = [_names(ranking) for ranking in rankings]
    heights = [max(sum(1 + name.count("\n") / 2 for name in own), 2) for own in names]
    figure = new_figure(8, 0.8 * len(rankings) + 0.35 * sum(heights))
    axes = figure.subplots(len(rankings), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ranking, area, own in zip(rankings, axes, names, strict=True):
        values = [row.estimate(ranking.ranked_by) for row in ranking.rows]
        places = range(len(values))
        for place, value, row in zip(places, values, ranking.rows, strict=True):
            runs = list(row.values(ranking.ranked_by).values())
            if len(runs) > 1:
                area.plot(runs, [place] * len(runs), ".", color=GREY, markersize=4)
            if value.gap is None:
                area.plot([value.low, value.high], [place, place], color=BLUE, linewidth=2)
        area.plot([value.mean for value in values], list(places), "o", color=BLUE)
        area.set_yticks(list(places), own)
        area.set_ylim(len(values) - 0.5, -0.5)
        area.set_xlabel(_label(ranking), wrap=True)
        area.set_title(shown_whole(ranking.data), loc="left")
        area.grid(axis="x", alpha=0.3)
    return figure


def _names(ranking: Ranking) -> list[str]:
    """The settings, without those that differ in other rankings alone."""
    same = [name for name in ranking.columns if len({row.setting.get(name) for row in ranking.rows}) == 1]
    without = same if len(ranking.rows) > 1 else []
    return [shown_whole(row.name(without=without, named=True) or ranking.data) for row in ranking.rows]


def _label(ranking: Ranking) -> str:
    """The metric, and what its bars cover."""
    if not ranking.is_repeated:
        return ranking.ranked_by
    over = dict.fromkeys(repetition(row, ranking.ranked_by) for row in ranking.rows)
    told = " and ".join(text for text in over if text)
    told = f"over {told}" if told else f"none, {fewest_runs()} runs are needed"
    return f"{ranking.ranked_by}, 95 % intervals: {told}"
