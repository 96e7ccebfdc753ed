"""A ranked table of settings: seeds and folds aggregated, one ranking for each data set."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from perceptron.runs.directions import agreed_direction
from perceptron.sweeps.finished_runs import FinishedRun, varying
from perceptron.sweeps.statistics import NAN, UNDEFINED, Comparison, Draw, Estimate, Gap, compare, estimate, holm
from perceptron.tasks import Direction

# What a held-out score is called first, by task.
_MAIN = ("test/acc", "test/rmse")


@dataclass(frozen=True, kw_only=True)
class RankedSetting:
    """A setting.

    Attributes:
        setting: value of each of the ranking's columns; empty where a setting has no such key.
        estimates: every metric over the setting's runs.
        comparison: against the ranking's best by the ranking's metric; None for the best itself.
        p_holm: the comparison's p, adjusted for all pairs of rows: the best was chosen by the same numbers.
        placed_by: the row's mean in the order; of a row without all runs, see ``Ranking``.
        results: its runs.
    """

    setting: Mapping[str, str]
    estimates: Mapping[str, Estimate]
    comparison: Comparison | None
    p_holm: float
    placed_by: float
    results: Sequence[FinishedRun]

    def estimate(self, metric: str) -> Estimate:
        """The metric over the setting's runs, of nothing where it has none."""
        return self.estimates.get(metric, UNDEFINED)

    def values(self, metric: str) -> dict[Draw, float]:
        """Value of each draw that has the metric; of a run that was made twice the later."""
        found = {result.draw: result.metrics.get(metric, NAN) for result in self.results}
        return {draw: value for draw, value in found.items() if not math.isnan(value)}


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The settings that were run on one data set, best first.

    Settings are compared on the draws that they share. One that lacks some of the others' runs has its place by the
    paired difference from ``anchor``, the best of those with the most runs; its own mean may be of easier rows.

    Attributes:
        data: name of the data set.
        columns: settings that differ.
        ranked_by: metric of the order.
        shown: metrics to be shown, ``ranked_by`` among them.
        rows: best first; without the metric last.
        anchor: whose runs the others' are compared with for their places; None where no row has the metric.
    """

    data: str
    columns: Sequence[str]
    ranked_by: str
    shown: Sequence[str]
    rows: Sequence[RankedSetting]
    anchor: RankedSetting | None

    @property
    def incomplete(self) -> list[RankedSetting]:
        """Rows that lack some of the anchor's runs and share others, and rows with runs that the anchor lacks."""
        if self.anchor is None:
            return []
        draws = set(self.anchor.values(self.ranked_by))
        return [row for row in self.rows if set(row.values(self.ranked_by)) != draws and self.shares_runs(row)]

    @property
    def unrelated(self) -> list[RankedSetting]:
        """Rows with the metric that share no run with the anchor: their means are of other rows or seeds."""
        return [row for row in self.rows if row.values(self.ranked_by) and not self.shares_runs(row)]

    @property
    def n_runs(self) -> int:
        """Number of different runs of the rows that share some with the anchor."""
        return len({draw for row in self.rows if self.shares_runs(row) for draw in row.values(self.ranked_by)})

    def shares_runs(self, row: RankedSetting) -> bool:
        """Whether a row has runs of the same seeds and splits as the anchor."""
        of_anchor = self.anchor.values(self.ranked_by) if self.anchor is not None else {}
        return not of_anchor.keys().isdisjoint(row.values(self.ranked_by))


def rank(results: Sequence[FinishedRun], *, by: str = "monitor", mode: Direction | None = None) -> list[Ranking]:
    """Table of finished runs.

    Args:
        results: finished runs.
        by: metric to rank by; ``monitor`` for each data set's monitored one, ``main`` for its first held-out score.
            Test rows must choose nothing, so rank by a test metric only to compare settings that were fixed before.
        mode: direction in which that metric improves, for runs that do not say it; None to go by the runs.

    Raises:
        UsageError: where the direction is not known, or is not ``mode``.
    """
    tables: dict[str, list[FinishedRun]] = {}
    for result in results:
        tables.setdefault(result.data, []).append(result)
    return [_section(found, by, mode) for found in tables.values()]


def _main_metric(results: Sequence[FinishedRun]) -> str:
    """The held-out score that is named first; the monitored metric where there is none."""
    for name in _MAIN:
        if any(name in result.metrics for result in results):
            return name
    return _monitor(results)


def _monitor(results: Sequence[FinishedRun]) -> str:
    return Counter(result.monitor for result in results).most_common(1)[0][0]


def _section(results: Sequence[FinishedRun], by: str, mode: Direction | None) -> Ranking:
    monitor, main = _monitor(results), _main_metric(results)
    metric = {"main": main, "monitor": monitor}.get(by, by)
    columns = varying(results)
    groups: dict[tuple[tuple[str, str], ...], list[FinishedRun]] = {}
    for result in results:
        groups.setdefault(tuple(sorted(result.setting.items())), []).append(result)
    rows = [_row(found, columns) for found in groups.values()]
    direction = agreed_direction(
        metric,
        (result.directions for result in results),
        typed=mode,
        fix=f"type perceptron compare <folder> by={metric} mode=max, or mode=min",
    )
    sign = -1 if direction == "max" else 1
    anchor = _anchor(rows, metric, sign)
    rows = [replace(row, placed_by=_place(row, anchor, metric)) for row in rows]
    rows.sort(key=lambda row: (math.isnan(row.placed_by), sign * row.placed_by))
    return Ranking(
        data=results[0].title,
        columns=columns,
        ranked_by=metric,
        shown=list(dict.fromkeys([metric, monitor, main])),
        rows=_compared(rows, metric),
        anchor=anchor,
    )


def _anchor(rows: Sequence[RankedSetting], metric: str, sign: int) -> RankedSetting | None:
    """The best of the rows with the most runs."""
    known = [row for row in rows if row.values(metric)]
    return min(known, key=lambda row: (-len(row.values(metric)), sign * row.estimate(metric).mean), default=None)


def _place(row: RankedSetting, anchor: RankedSetting | None, metric: str) -> float:
    own, values = row.estimate(metric).mean, row.values(metric)
    if anchor is None or values.keys() == anchor.values(metric).keys():
        return own
    paired = compare(anchor.values(metric), values, test_per_train=anchor.results[0].test_per_train(metric))
    return anchor.estimate(metric).mean + paired.difference if paired.n_pairs else own


def _row(results: Sequence[FinishedRun], columns: Sequence[str]) -> RankedSetting:
    first = results[0]
    metrics = dict.fromkeys(name for result in results for name in result.metrics)
    row = RankedSetting(
        setting={
            name: first.choices.get(name, "") if name in first.choices else first.setting.get(name, "")
            for name in columns
        },
        estimates={},
        comparison=None,
        p_holm=NAN,
        placed_by=NAN,
        results=results,
    )
    estimates = {name: estimate(row.values(name), test_per_train=first.test_per_train(name)) for name in metrics}
    return replace(row, estimates=estimates)


def _compared(rows: Sequence[RankedSetting], metric: str) -> list[RankedSetting]:
    """The rows, each but the first with its comparison with the first.

    The first was chosen because it looks best, so that its distance from the others is that of the extreme of all
    rows. Adjusted for all pairs of rows, not for those with the first alone, equal rows are told apart in at most one
    table of twenty however the pair was chosen.
    """
    if not rows:
        return []
    ratio = rows[0].results[0].test_per_train(metric)
    values = [row.values(metric) for row in rows]
    found = [compare(values[0], other, test_per_train=ratio) for other in values[1:]]
    # Only these can have a p; sweeps of thousands of settings that ran once have no pairs to go through.
    tested = [0, *(i for i, paired in enumerate(found, start=1) if paired.gap not in (Gap.TOO_FEW, Gap.UNDEFINED))]
    pairs = list(combinations(tested, 2))
    ps = [compare(values[i], values[j], test_per_train=ratio).p for i, j in pairs]
    adjusted = dict(zip(pairs, holm(ps), strict=True))
    others = [
        replace(row, comparison=paired, p_holm=adjusted.get((0, i), NAN))
        for i, (row, paired) in enumerate(zip(rows[1:], found, strict=True), start=1)
    ]
    return [rows[0], *others]
