"""Settings ranked by a metric: runs are aggregated over seeds and folds, with one ranking for each data set."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from perceptron.errors import UsageError
from perceptron.runs.metric_directions import agreed_direction
from perceptron.spelling import did_you_mean
from perceptron.sweeps.finished_runs import GROUPS, Draw, FinishedRun, differing_settings
from perceptron.sweeps.setting_names import short_names, shown_setting
from perceptron.sweeps.statistics import NAN, UNDEFINED, Comparison, Estimate, Gap, compare, estimate, holm
from perceptron.tasks import Direction

# The main held-out score of a classifier and of a regression.
_MAIN = ("test/acc", "test/rmse")


@dataclass(frozen=True, kw_only=True)
class RankedSetting:
    """A setting and its runs.

    Attributes:
        setting: value of each of the ranking's columns; empty where the setting has no such key.
        estimates: every metric over the runs.
        comparison: with the best setting by the ranking's metric; None for the best itself.
        p_holm: the comparison's p, adjusted for all pairs of settings, because the best was chosen by the same numbers.
        placed_by: the value that the order goes by: the mean, or for an incomplete setting see ``Ranking``.
        results: the runs.
    """

    setting: Mapping[str, str]
    estimates: Mapping[str, Estimate]
    comparison: Comparison | None
    p_holm: float
    placed_by: float
    results: Sequence[FinishedRun]

    def estimate(self, metric: str) -> Estimate:
        """The metric over the runs; undefined if no run has it."""
        return self.estimates.get(metric, UNDEFINED)

    def values(self, metric: str) -> dict[Draw, float]:
        """Value for each draw whose run has the metric. If two runs have the same draw, the later one counts."""
        found = {result.draw: result.metrics.get(metric, NAN) for result in self.results}
        return {draw: value for draw, value in found.items() if not math.isnan(value)}

    def name(self, *, without: Collection[str] = (), named: bool = False) -> str:
        """The setting in a line, such as ``logistic, lr=0.1``.

        Args:
            without: columns to leave out.
            named: whether groups have their names too: ``model=logistic, lr=0.1``.
        """
        short = short_names(list(self.setting))
        return ", ".join(
            shown_setting(value) if column in GROUPS and not named else f"{name}={shown_setting(value)}"
            for (column, value), name in zip(self.setting.items(), short, strict=True)
            if value and column not in without
        )


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The settings that were run on one data set, best first.

    Settings are compared on the draws that they share. An incomplete setting, which lacks some of the runs that others
    have, is placed by its paired difference from ``anchor``, the best of the settings with the most runs: its own mean
    may come from easier rows.

    Attributes:
        data: name of the data set.
        columns: settings that differ.
        ranked_by: metric that the order goes by.
        shown: metrics to show, ``ranked_by`` first.
        rows: best first; settings without the metric come last.
        anchor: see above; None if no setting has the metric.
    """

    data: str
    columns: Sequence[str]
    ranked_by: str
    shown: Sequence[str]
    rows: Sequence[RankedSetting]
    anchor: RankedSetting | None

    @property
    def is_repeated(self) -> bool:
        """Whether a setting has several runs, from which chance can be estimated."""
        return any(len(row.results) > 1 for row in self.rows)

    @property
    def incomplete(self) -> list[RankedSetting]:
        """Settings that share some of their runs with the anchor, but not all."""
        if self.anchor is None:
            return []
        draws = set(self.anchor.values(self.ranked_by))
        return [row for row in self.rows if set(row.values(self.ranked_by)) != draws and self.shares_runs(row)]

    @property
    def unrelated(self) -> list[RankedSetting]:
        """Settings that have the metric and share no run with the anchor: their means are over other rows or seeds."""
        return [row for row in self.rows if row.values(self.ranked_by) and not self.shares_runs(row)]

    @property
    def n_runs(self) -> int:
        """Number of different draws among the settings that share some with the anchor."""
        return len({draw for row in self.rows if self.shares_runs(row) for draw in row.values(self.ranked_by)})

    def shares_runs(self, row: RankedSetting) -> bool:
        """Whether a setting has a run with the same seed and split as one of the anchor's."""
        of_anchor = self.anchor.values(self.ranked_by) if self.anchor is not None else {}
        return not of_anchor.keys().isdisjoint(row.values(self.ranked_by))


def rank(
    results: Sequence[FinishedRun],
    *,
    by: str = "monitor",
    mode: Direction | None = None,
    varied: Sequence[str] = (),
) -> list[Ranking]:
    """Rank the settings of finished runs.

    Args:
        results: the runs.
        by: metric to rank by; ``monitor`` for the one that most runs on the data set monitored, ``main`` for the main
            held-out score. Test rows must not choose anything: rank by a test metric only to compare settings that were
            fixed before.
        mode: direction in which the metric improves, for runs that do not say it.
        varied: settings to show even if these runs do not differ in them, such as those of jobs that failed.

    Raises:
        UsageError: if no run has the metric, or its direction is not known or contradicts ``mode``.
    """
    metrics = {name for result in results for name in result.metrics}
    if results and by not in metrics and by not in ("main", "monitor"):
        raise UsageError(f"by must be a metric of the runs, main or monitor, got {by}; {did_you_mean(by, metrics)}")
    by_data: dict[str, list[FinishedRun]] = {}
    for result in results:
        by_data.setdefault(result.data, []).append(result)
    return [_ranking(found, by, mode, varied) for found in by_data.values()]


def _main_metric(results: Sequence[FinishedRun]) -> str:
    """The main held-out score, or the monitored metric if no run has one."""
    for name in _MAIN:
        if any(name in result.metrics for result in results):
            return name
    return _monitor(results)


def _monitor(results: Sequence[FinishedRun]) -> str:
    return Counter(result.monitor for result in results).most_common(1)[0][0]


def _ranking(results: Sequence[FinishedRun], by: str, mode: Direction | None, varied: Sequence[str]) -> Ranking:
    monitor, main = _monitor(results), _main_metric(results)
    metric = {"main": main, "monitor": monitor}.get(by, by)
    columns = differing_settings(results)
    # Random draws are no settings of a run.
    columns += [name for name in varied if name not in columns and any(result.value_of(name) for result in results)]
    groups: dict[tuple[tuple[str, str], ...], list[FinishedRun]] = {}
    for result in results:
        groups.setdefault(tuple(sorted(result.setting.items())), []).append(result)
    rows = [_aggregated(found, columns) for found in groups.values()]
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
    """The best of the settings with the most runs."""
    known = [row for row in rows if row.values(metric)]
    return min(known, key=lambda row: (-len(row.values(metric)), sign * row.estimate(metric).mean), default=None)


def _place(row: RankedSetting, anchor: RankedSetting | None, metric: str) -> float:
    own, values = row.estimate(metric).mean, row.values(metric)
    if anchor is None or values.keys() == anchor.values(metric).keys():
        return own
    paired = compare(anchor.values(metric), values, test_per_train=anchor.results[0].test_per_train(metric))
    return anchor.estimate(metric).mean + paired.difference if paired.n_pairs else own


def _aggregated(results: Sequence[FinishedRun], columns: Sequence[str]) -> RankedSetting:
    first = results[0]
    row = RankedSetting(
        setting={name: first.value_of(name) for name in columns},
        estimates={},
        comparison=None,
        p_holm=NAN,
        placed_by=NAN,
        results=results,
    )
    metrics = dict.fromkeys(name for result in results for name in result.metrics)
    estimates = {name: estimate(row.values(name), test_per_train=first.test_per_train(name)) for name in metrics}
    return replace(row, estimates=estimates)


def _compared(rows: Sequence[RankedSetting], metric: str) -> list[RankedSetting]:
    """The rows, each but the first with its comparison with the first.

    The first was chosen because it looks best, so its distance from the others is that of an extreme. With p
    adjusted for all pairs of rows, not only for the pairs with the first, equal settings are told apart in at most one
    ranking of twenty, whichever pair was chosen.
    """
    if not rows:
        return []
    ratio = rows[0].results[0].test_per_train(metric)
    values = [row.values(metric) for row in rows]
    found = [compare(values[0], other, test_per_train=ratio) for other in values[1:]]
    # Only these can have a p. A sweep of thousands of settings with one run each has no pairs to go through.
    tested = [0, *(i for i, paired in enumerate(found, start=1) if paired.gap not in (Gap.TOO_FEW, Gap.UNDEFINED))]
    pairs = list(combinations(tested, 2))
    ps = [compare(values[i], values[j], test_per_train=ratio).p for i, j in pairs]
    adjusted = dict(zip(pairs, holm(ps), strict=True))
    others = [
        replace(row, comparison=paired, p_holm=adjusted.get((0, i), NAN))
        for i, (row, paired) in enumerate(zip(rows[1:], found, strict=True), start=1)
    ]
    return [rows[0], *others]
