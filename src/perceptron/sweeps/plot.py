"""Means and their intervals, a line per setting."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from perceptron.figures.style import BLUE, new_figure
from perceptron.sweeps.table import Section


def draw_intervals(found: Sequence[Section]) -> Figure:
    """Mean and 95 % interval of the metric that each section is ranked by, the best on top.

    Args:
        found: at least one section.
    """
    heights = [max(len(section.rows), 2) for section in found]
    figure = new_figure(8, 0.8 * len(found) + 0.35 * sum(heights))
    axes = figure.subplots(len(found), 1, squeeze=False, height_ratios=heights)[:, 0]
    for section, area in zip(found, axes, strict=True):
        names = [", ".join(value for value in row.setting.values() if value) or section.data for row in section.rows]
        values = [row.estimate(section.ranked_by) for row in section.rows]
        places = range(len(values))
        for place, value in zip(places, values, strict=True):
            area.plot([value.low, value.high], [place, place], color=BLUE, linewidth=2)
        area.plot([value.mean for value in values], list(places), "o", color=BLUE)
        area.set_yticks(list(places), names)
        area.set_ylim(len(values) - 0.5, -0.5)
        area.set_xlabel(section.ranked_by)
        area.set_title(section.data, loc="left")
        area.grid(axis="x", alpha=0.3)
    return figure
