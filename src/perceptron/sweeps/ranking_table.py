"""A ranked table as texts: header and cells for the terminal, Markdown and pages."""

import math
from collections.abc import Sequence

from perceptron.runs.undefined import DASH
from perceptron.sweeps.ranking import RankedSetting, Ranking
from perceptron.sweeps.ranking_notes import is_repeated
from perceptron.sweeps.statistics import Estimate, Gap

_LONGEST_NUMBER = 7
_LEAST = 0.5e-4


def ranking_header(ranking: Ranking) -> list[str]:
    """Names of the columns: rank, settings, metrics, and what repeated runs tell; "std" stands behind its metric."""
    # The first is the one that the table is ranked by.
    ranked_by, *others = ranking.shown
    if not is_repeated(ranking):
        return ["#", *_short(ranking.columns), ranked_by, *others]
    compared = ["vs best", "effect", "p"] if len(ranking.rows) > 1 else []
    return ["#", *_short(ranking.columns), ranked_by, "std", *others, "runs", *compared]


def _short(columns: Sequence[str]) -> list[str]:
    """The last parts of the names, where no two are the same."""
    last = [column.rpartition(".")[2] for column in columns]
    return [name if last.count(name) == 1 else column for name, column in zip(last, columns, strict=True)]


def ranking_cells(ranking: Ranking) -> list[list[str]]:
    """Texts of each row; a dash for a number that is not defined, whose reason is among the notes."""
    rows, repeated, incomplete = [], is_repeated(ranking), ranking.incomplete
    for rank, row in enumerate(ranking.rows, start=1):
        ranked = row.estimate(ranking.ranked_by)
        cells = [str(rank), *(_rounded(row.setting[column]) for column in ranking.columns)]
        ranked_by, *others = (_interval(row.estimate(metric), repeated=repeated) for metric in ranking.shown)
        cells += [ranked_by, *([_number(ranked.std)] if repeated else []), *others]
        if repeated:
            n = ranked.n_runs
            cells += [f"{n} of {ranking.n_runs}" if row in incomplete else str(n)]
            cells += _paired(row) if len(ranking.rows) > 1 else []
        rows.append(cells)
    return rows


def _rounded(text: str) -> str:
    """A number with four digits, anything else as it is."""
    try:
        return text if len(text) <= _LONGEST_NUMBER else f"{float(text):.4g}"
    except ValueError:
        return text


def _paired(row: RankedSetting) -> list[str]:
    if row.comparison is None:
        return ["", "", ""]
    paired = row.comparison
    return [_number(paired.difference, sign="+"), _number(paired.effect, sign="+", decimals=2), _p(row.p_holm)]


def _interval(value: Estimate, *, repeated: bool) -> str:
    """Mean and half of its interval; the mean alone where the table has no setting with several runs."""
    if not repeated or value.gap is Gap.UNDEFINED:
        return _number(value.mean)
    return f"{_number(value.mean)} ± {_number(value.high - value.mean)}"


def _number(value: float, *, sign: str = "", decimals: int | None = None) -> str:
    """Four decimals unless told, fewer before a large number's point, two digits of one that they would show as 0."""
    if decimals is None:
        decimals = 4 if abs(value) < 10 else 2 if abs(value) < 1000 else 0
        if 0 < abs(value) < _LEAST:
            return f"{value:{sign}.2g}"
    return DASH if math.isnan(value) else f"{value:{sign}.{decimals}f}"


def _p(value: float) -> str:
    if math.isnan(value):
        return DASH
    return "<0.001" if value < 0.001 else f"{value:.3f}"
