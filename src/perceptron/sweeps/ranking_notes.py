"""The lines below a ranking: which runs its numbers rest on, and why some are missing."""

import json
import math
from collections.abc import Sequence

from perceptron.sweeps.finished_runs import FinishedRun
from perceptron.sweeps.ranking import RankedSetting, Ranking
from perceptron.sweeps.statistics import Gap, disjoint_sets, fewest_runs
from perceptron.terminal.text import DASH

_MOST_NAMES = 3


def notes(rankings: Sequence[Ranking]) -> list[str]:
    """Lines for below the tables; one that does not hold for all of them begins with the names of its data."""
    of_each = {ranking.data: ranking_notes(ranking) for ranking in rankings}
    lines = dict.fromkeys(line for told in of_each.values() for line in told)
    return [
        line
        if all(line in told for told in of_each.values())
        else f"{', '.join(data for data, told in of_each.items() if line in told)}: {line}"
        for line in lines
    ]


def ranking_notes(ranking: Ranking) -> list[str]:
    """Lines for below one table: which runs it rests on, what its columns mean, why some cells have no number."""
    lines = [*_incomplete(ranking), *_unrelated(ranking)]
    if ranking.is_repeated:
        lines += [*_intervals(ranking), *_tests(ranking)]
    return [*lines, *_gaps(ranking)]


def _incomplete(ranking: Ranking) -> list[str]:
    rows = ranking.incomplete
    if not rows or ranking.anchor is None:
        return []
    told = "; ".join(
        f"{row.name()} has {len(row.values(ranking.ranked_by))} of {ranking.n_runs} runs" for row in rows[:_MOST_NAMES]
    )
    told += f"; and {len(rows) - _MOST_NAMES} more settings lack some" if len(rows) > _MOST_NAMES else ""
    return [
        f"not all settings have the same runs: {told}. Each of these is ranked by its difference from "
        f"{ranking.anchor.name()} over the runs that both have; its mean is over its own runs"
    ]


def _unrelated(ranking: Ranking) -> list[str]:
    rows = ranking.unrelated
    if not rows or ranking.anchor is None:
        return []
    names = "; ".join(row.name() for row in rows[:_MOST_NAMES])
    names += f" and {len(rows) - _MOST_NAMES} more" if len(rows) > _MOST_NAMES else ""
    return [
        f"no seed and split in common with {ranking.anchor.name()}: {names}. Their means are over other runs and "
        "cannot be tested against each other"
    ]


def repetition(row: RankedSetting, metric: str) -> str:
    """What the interval of a metric covers, such as ``10 folds``; empty if there is no interval."""
    value, first = row.estimate(metric), row.results[0]
    if value.gap is not None:
        return ""
    if not value.over_splits:
        return f"{value.n} seeds on one split"
    folds = _folds(first)
    if folds is None:
        return f"{value.n} splits"
    n_times = len({result.draw.split[0] for result in row.results if isinstance(result.draw.split, tuple)})
    all_folds = f"{folds} folds" if n_times == 1 else f"{n_times} x {folds} folds"
    return all_folds if value.n == n_times * folds else f"{value.n} of {all_folds}"


def _intervals(ranking: Ranking) -> list[str]:
    """What the intervals of the ranked metric cover, for each kind of repetition in the table."""
    metric = ranking.ranked_by
    lines: dict[str, None] = {}
    for row in ranking.rows:
        value = row.estimate(metric)
        if value.gap is not None:
            continue
        line = f"± half of the 95 % interval of the mean over {repetition(row, metric)}"
        if not value.over_splits:
            line += ": it covers other seeds, not other rows"
        else:
            line += ", widened for the rows that splits share (Nadeau and Bengio 2003)"
            n_sets = disjoint_sets(row.results[0].test_per_train(metric))
            if n_sets < value.n:
                line += (
                    f", with {n_sets - 1} degrees of freedom: the data has room for {n_sets} non-overlapping test sets"
                )
        lines[line] = None
    return list(lines)


def _folds(result: FinishedRun) -> int | None:
    folds = json.loads(result.setting.get("data.folds", "null"))
    return int(folds) if folds else None


def _tests(ranking: Ranking) -> list[str]:
    """What p and effect mean."""
    tested = [row.comparison for row in ranking.rows if row.comparison is not None and not math.isnan(row.p_holm)]
    if not tested:
        return []
    what = sorted({"splits" if comparison.over_splits else "seeds" for comparison in tested})
    return [
        "p: probability of such a difference from the best if the settings were equal, paired over common "
        f"{' and '.join(what)}, Holm-adjusted for all pairs of settings; effect: the difference in standard deviations "
        "of the paired differences (Cohen's d)"
    ]


def _gaps(ranking: Ranking) -> list[str]:
    """Why a number is missing, for each reason in the table."""
    lines = []
    estimates = [row.estimate(metric) for row in ranking.rows for metric in ranking.shown]
    compared = [row.comparison for row in ranking.rows if row.comparison is not None]
    if any(value.gap is Gap.UNDEFINED for value in estimates):
        lines.append(f"{DASH} undefined: no run has the metric, or it is not defined on its rows")
    if not ranking.is_repeated:
        return lines
    few = {(value.n, value.over_splits) for value in estimates if value.gap is Gap.TOO_FEW}
    few |= {(paired.n_pairs, paired.over_splits) for paired in compared if paired.gap is Gap.TOO_FEW}
    if few:
        lines.append(
            f"{DASH} too few runs for ± and p: {_counted(few)}, where {fewest_runs()} are needed. With fewer, a paired "
            "t test at 5 % misses a difference of one standard deviation more than one time in five"
        )
    gaps = {value.gap for value in estimates} | {paired.gap for paired in compared}
    if Gap.CONSTANT in gaps:
        lines.append(f"{DASH} no variation: all runs gave the same number, or all pairs the same difference")
    if Gap.SHARED_ROWS in gaps:
        lines.append(f"{DASH} shared rows: the splits measure this on mostly the same rows, which does not show how it "
                     "varies on others")  # fmt: skip
    return lines


def _counted(few: set[tuple[int, bool]]) -> str:
    """The numbers of runs in order, such as ``1 or 2 seeds on one split``."""
    told = []
    for over_splits, one, many in ((False, "seed on one split", "seeds on one split"), (True, "split", "splits")):
        counts = sorted(n for n, of_splits in few if of_splits == over_splits)
        if counts:
            told.append(f"{' or '.join(map(str, counts))} {one if counts == [1] else many}")
    return " and ".join(told)
