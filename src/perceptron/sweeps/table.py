"""A ranked table of settings: seeds and folds aggregated, one section for each data set."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perceptron.runs.directions import agreed_direction
from perceptron.sweeps.results import Result, varying
from perceptron.sweeps.statistics import NAN, Comparison, Draw, Estimate, compare, estimate, holm
from perceptron.tasks import Direction

# What a held-out score is called first, by task.
_MAIN = ("test/acc", "test/rmse")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A setting.

    Attributes:
        setting: value of each of the section's columns; empty where a setting has no such key.
        estimates: every metric over the setting's runs.
        comparison: against the section's best by the section's metric; None for the best itself.
        p_holm: the comparison's p, adjusted for the number of rows.
        results: its runs.
    """

    setting: Mapping[str, str]
    estimates: Mapping[str, Estimate]
    comparison: Comparison | None
    p_holm: float
    results: Sequence[Result]

    def estimate(self, metric: str) -> Estimate:
        """The metric over the setting's runs, of nothing where it has none."""
        return self.estimates.get(metric, Estimate(mean=NAN, std=NAN, low=NAN, high=NAN, n_runs=0))


@dataclass(frozen=True, kw_only=True)
class Section:
    """The settings that were run on one data set, best first.

    Attributes:
        data: name of the data set.
        columns: settings that differ.
        ranked_by: metric of the order.
        shown: metrics to be shown, ``ranked_by`` among them.
        rows: best first; without the metric last.
    """

    data: str
    columns: Sequence[str]
    ranked_by: str
    shown: Sequence[str]
    rows: Sequence[Row]


def sections(results: Sequence[Result], *, by: str = "monitor", mode: Direction | None = None) -> list[Section]:
    """Table of finished runs.

    Args:
        results: finished runs.
        by: metric to rank by; ``monitor`` for each data set's monitored one, ``main`` for its first held-out score.
            Test rows must choose nothing, so rank by a test metric only to compare settings that were fixed before.
        mode: direction in which that metric improves, for runs that do not say it; None to go by the runs.

    Raises:
        UsageError: where the direction is not known, or is not ``mode``.
    """
    tables: dict[str, list[Result]] = {}
    for result in results:
        tables.setdefault(result.data, []).append(result)
    return [_section(found, by, mode) for found in tables.values()]


def _main_metric(results: Sequence[Result]) -> str:
    """The held-out score that is named first; the monitored metric where there is none."""
    for name in _MAIN:
        if any(name in result.metrics for result in results):
            return name
    return _monitor(results)


def _monitor(results: Sequence[Result]) -> str:
    return Counter(result.monitor for result in results).most_common(1)[0][0]


def _section(results: Sequence[Result], by: str, mode: Direction | None) -> Section:
    monitor, main = _monitor(results), _main_metric(results)
    metric = {"main": main, "monitor": monitor}.get(by, by)
    columns = varying(results)
    groups: dict[tuple[tuple[str, str], ...], list[Result]] = {}
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

    def order(row: Row) -> tuple[bool, float]:
        mean = row.estimate(metric).mean
        return math.isnan(mean), sign * mean

    rows.sort(key=order)
    return Section(
        data=results[0].title,
        columns=columns,
        ranked_by=metric,
        shown=list(dict.fromkeys([metric, monitor, main])),
        rows=_compared(rows, metric),
    )


def _row(results: Sequence[Result], columns: Sequence[str]) -> Row:
    first = results[0]
    metrics = dict.fromkeys(name for result in results for name in result.metrics)
    return Row(
        setting={
            name: first.choices.get(name, "") if name in first.choices else first.setting.get(name, "")
            for name in columns
        },
        estimates={name: estimate(_values(results, name), test_per_train=first.test_per_train) for name in metrics},
        comparison=None,
        p_holm=NAN,
        results=results,
    )


def _compared(rows: Sequence[Row], metric: str) -> list[Row]:
    if not rows:
        return []
    best = rows[0]
    reference = _values(best.results, metric)
    found = [
        compare(reference, _values(row.results, metric), test_per_train=best.results[0].test_per_train)
        for row in rows[1:]
    ]
    adjusted = holm([comparison.p for comparison in found])
    others = [
        Row(setting=row.setting, estimates=row.estimates, comparison=comparison, p_holm=p, results=row.results)
        for row, comparison, p in zip(rows[1:], found, adjusted, strict=True)
    ]
    return [best, *others]


def _values(results: Sequence[Result], metric: str) -> dict[Draw, float]:
    """Value of each draw; of a run that was made twice the later."""
    return {result.draw: result.metrics.get(metric, NAN) for result in results}
