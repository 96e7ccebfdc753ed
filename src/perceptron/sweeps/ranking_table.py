"""A ranking as a table of texts. The terminal, Markdown files and HTML pages all show this one."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from perceptron.sweeps.ranking import RankedSetting, Ranking
from perceptron.sweeps.setting_names import short_names, shown_setting
from perceptron.sweeps.statistics import Estimate, Gap
from perceptron.terminal.text import DASH

_LEAST = 0.5e-4


@dataclass(frozen=True)
class Column:
    """A column of texts.

    Attributes:
        name: stands above it.
        cells: a text for each row.
        is_setting: whether it holds values of a setting; other columns hold numbers.
    """

    name: str
    cells: Sequence[str]
    is_setting: bool = False


@dataclass(frozen=True)
class RankingTable:
    """A ranking as texts.

    Attributes:
        title: the data and the metric that the order goes by.
        columns: rank, settings, metrics, and the statistics of repeated runs.
        setting_names: each row's setting in a line.
    """

    title: str
    columns: Sequence[Column]
    setting_names: Sequence[str]

    @property
    def header(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """Cells of each row."""
        return list(zip(*(column.cells for column in self.columns), strict=True))

    def narrowed(self, *, dropped: Collection[str]) -> "RankingTable":
        """The table with one column for the whole setting.

        Args:
            dropped: names of columns to leave out.
        """
        rank, *others = (column for column in self.columns if not column.is_setting)
        kept = [column for column in others if column.name not in dropped]
        return replace(self, columns=[rank, Column("setting", self.setting_names, is_setting=True), *kept])


def ranking_table(ranking: Ranking) -> RankingTable:
    """Lay out a ranking. A dash stands for an undefined number; ``ranking_notes`` says why it is undefined."""
    rows, is_repeated = ranking.rows, ranking.is_repeated
    settings = [
        Column(name, [shown_setting(row.setting[column]) for row in rows], is_setting=True)
        for column, name in zip(ranking.columns, short_names(ranking.columns), strict=True)
    ]
    ranked_by, *others = (
        Column(metric, [_interval(row.estimate(metric), is_repeated=is_repeated) for row in rows])
        for metric in ranking.shown
    )
    columns = [Column("#", [str(rank) for rank in range(1, len(rows) + 1)]), *settings, ranked_by]
    if is_repeated:
        # Beside the metric that it is the deviation of.
        columns.append(Column("std", [_number(row.estimate(ranking.ranked_by).std) for row in rows]))
    columns += others
    if is_repeated:
        columns.append(Column("runs", _counts(ranking)))
    if is_repeated and len(rows) > 1:
        compared = [_comparison(row) for row in rows]
        for place, name in enumerate(("vs best", "effect", "p")):
            columns.append(Column(name, [texts[place] for texts in compared]))
    return RankingTable(f"{ranking.data}, ranked by {ranking.ranked_by}", columns, [row.name() for row in rows])


def _counts(ranking: Ranking) -> list[str]:
    incomplete = ranking.incomplete
    counts = [(row, row.estimate(ranking.ranked_by).n_runs) for row in ranking.rows]
    return [f"{n} of {ranking.n_runs}" if row in incomplete else str(n) for row, n in counts]


def _comparison(row: RankedSetting) -> tuple[str, str, str]:
    """Difference from the best, effect size and p; empty for the best."""
    if row.comparison is None:
        return "", "", ""
    paired = row.comparison
    return _number(paired.difference, sign="+"), _number(paired.effect, sign="+", decimals=2), _p(row.p_holm)


def _interval(value: Estimate, *, is_repeated: bool) -> str:
    """Mean and half of its interval; the mean alone if no setting of the ranking has several runs."""
    if not is_repeated or value.gap is Gap.UNDEFINED:
        return _number(value.mean)
    return f"{_number(value.mean)} ± {_number(value.high - value.mean)}"


def _number(value: float, *, sign: str = "", decimals: int | None = None) -> str:
    """Four decimals by default, fewer for a number of 10 or more, and two digits of one that would be shown as 0."""
    if decimals is None:
        decimals = 4 if abs(value) < 10 else 2 if abs(value) < 1000 else 0
        if 0 < abs(value) < _LEAST:
            return f"{value:{sign}.2g}"
    return DASH if math.isnan(value) else f"{value:{sign}.{decimals}f}"


def _p(value: float) -> str:
    if math.isnan(value):
        return DASH
    return "<0.001" if value < 0.001 else f"{value:.3f}"
