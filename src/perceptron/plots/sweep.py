"""The effect of a sweep's settings on its score."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from perceptron.plots.style import BLUE, GREY, colour_and_line, new_figure, shown

_MOST_LINES = 8


def draw_rates(scores: Mapping[str, Sequence[tuple[float, float]]], *, score: str) -> Figure:
    """Draw a score over the learning rate: a dot for each run, and a line through the means of each group.

    Args:
        scores: learning rate and score of each run, by the name of its other settings.
        score: name of the score.
    """
    figure = new_figure()
    axes = figure.add_subplot()
    several = len(scores) <= _MOST_LINES
    for i, (name, runs) in enumerate(scores.items()):
        colour, line = colour_and_line(i) if several else (GREY, "-")
        rates = sorted({rate for rate, _ in runs})
        means = [_mean([value for rate, value in runs if rate == at]) for at in rates]
        axes.plot(*zip(*runs, strict=True), color=colour, marker=".", linestyle="", alpha=0.5)
        axes.plot(rates, means, color=colour, linestyle=line, label=shown(name) if several and name else None)
    axes.set_xscale("log")
    n_runs = sum(len(runs) for runs in scores.values())
    axes.set(xlabel="learning rate", ylabel=score, title=f"{score} over the learning rate, {n_runs} runs")
    if several and any(scores):
        axes.legend(fontsize="small")
    return figure


def draw_importance(importance: Mapping[str, float], *, score: str, n_runs: int) -> Figure:
    """Draw the share of a score's variance that each setting explains as bars, the largest on top.

    Args:
        importance: shares in [0, 1] by name of the setting.
        score: name of the score.
        n_runs: number of runs that the shares were computed from.
    """
    ranked = sorted(importance.items(), key=lambda item: -item[1])
    figure = new_figure(5.6, max(1.4 + 0.3 * len(ranked), 2.6))
    axes = figure.add_subplot()
    bars = axes.barh([shown(name) for name, _ in ranked], [share for _, share in ranked], color=BLUE)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.12), xlabel=f"share of the variance of {score} (fANOVA)")
    figure.suptitle(f"Importance of settings for {score}, {n_runs} runs")
    return figure


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
