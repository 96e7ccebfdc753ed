"""What the numbers of a ranked table rest on, and what they cannot say: the lines below it."""

import json
import math
from collections.abc import Sequence

from perceptron.runs.undefined import DASH
from perceptron.sweeps.finished_runs import FinishedRun
from perceptron.sweeps.ranking import RankedSetting, Ranking
from perceptron.sweeps.statistics import Gap, disjoint_sets, fewest_runs

_MOST_NAMES = 3


def notes(found: Sequence[Ranking]) -> list[str]:
    """Lines for below the tables, with the data's name in front where a line does not hold for all of them."""
    of_each = {ranking.data: ranking_notes(ranking) for ranking in found}
    lines = dict.fromkeys(line for told in of_each.values() for line in told)
    return [
        line
        if all(line in told for told in of_each.values())
        else f"{', '.join(data for data, told in of_each.items() if line in told)}: {line}"
        for line in lines
    ]


def ranking_notes(ranking: Ranking) -> list[str]:
    """Lines for below one table: on which runs it rests, then what its columns mean, then why some are empty."""
    repeated = is_repeated(ranking)
    return [
        *_incomplete(ranking),
        *_unrelated(ranking),
        *(_intervals(ranking) if repeated else []),
        *(_tests(ranking) if repeated else []),
        *_gaps(ranking, repeated=repeated),
    ]


def is_repeated(ranking: Ranking) -> bool:
    """Whether any setting was run more than once, so that chance can be estimated."""
    return any(len(row.results) > 1 for row in ranking.rows)


def name_of(row: RankedSetting) -> str:
    """A row's setting in words."""
    return ", ".join(f"{name.rpartition('.')[2]}={value}" for name, value in row.setting.items() if value)


def _incomplete(ranking: Ranking) -> list[str]:
    rows = ranking.incomplete
    if not rows or ranking.anchor is None:
        return []
    told = "; ".join(
        f"{name_of(row)} has {len(row.values(ranking.ranked_by))} of {ranking.n_runs} runs"
        for row in rows[:_MOST_NAMES]
    )
    told += f"; and {len(rows) - _MOST_NAMES} more settings lack some" if len(rows) > _MOST_NAMES else ""
    return [
        f"not all settings have the same runs: {told}. Each of these is ranked by its difference from "
        f"{name_of(ranking.anchor)} over the runs that both have; its mean is over its own runs"
    ]


def _unrelated(ranking: Ranking) -> list[str]:
    rows = ranking.unrelated
    if not rows or ranking.anchor is None:
        return []
    names = "; ".join(name_of(row) for row in rows[:_MOST_NAMES])
    names += f" and {len(rows) - _MOST_NAMES} more" if len(rows) > _MOST_NAMES else ""
    return [
        f"no seed and split in common with {name_of(ranking.anchor)}: {names}. These means are of other runs, and "
        "cannot be tested against each other"
    ]


def repetition(row: RankedSetting, metric: str) -> str:
    """What the interval of a row's metric is over, such as ``10 folds``; empty without an interval."""
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
    """What the intervals of the ranked metric are over, for each kind of repetition in the table."""
    metric = ranking.ranked_by
    lines: dict[str, None] = {}
    for row in ranking.rows:
        value = row.estimate(metric)
        if value.gap is not None:
            continue
        line = f"± half of the 95 % interval of the mean over {repetition(row, metric)}"
        if not value.over_splits:
            line += ": it speaks of seeds alone, not of other rows"
        else:
            line += ", widened for the rows that splits share (Nadeau and Bengio 2003)"
            n_sets = disjoint_sets(row.results[0].test_per_train(metric))
            if n_sets < value.n:
                line += f", with {n_sets - 1} degrees of freedom: the table has rows for {n_sets} disjoint sets"
        lines[line] = None
    return list(lines)


def _folds(result: FinishedRun) -> int | None:
    folds = json.loads(result.setting.get("data.folds", "null"))
    return int(folds) if folds else None


def _tests(ranking: Ranking) -> list[str]:
    tested = [row for row in ranking.rows if row.comparison is not None and not math.isnan(row.p_holm)]
    if not tested:
        return []
    what = {"splits" if row.comparison.over_splits else "seeds" for row in tested if row.comparison is not None}
    return [
        "p: chance of such a difference from the best between equal settings, paired over common "
        f"{' and '.join(sorted(what))}, Holm-adjusted for all pairs of settings; effect: the difference in standard "
        "deviations of the paired differences (Cohen's d)"
    ]


def _gaps(ranking: Ranking, *, repeated: bool) -> list[str]:
    """Why a number is missing, for each reason in the table."""
    lines = []
    estimates = [row.estimate(metric) for row in ranking.rows for metric in ranking.shown]
    compared = [row.comparison for row in ranking.rows if row.comparison is not None]
    if any(value.gap is Gap.UNDEFINED for value in estimates):
        lines.append(f"{DASH} undefined: no run has the metric, or it is not defined on its rows")
    if not repeated:
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
        lines.append(f"{DASH} the splits measure this on mostly the same rows, which tells nothing of others")
    return lines


def _counted(few: set[tuple[int, bool]]) -> str:
    """Such as ``1 or 2 seeds on one split``; the counts in order."""
    told = []
    for over_splits, one, many in ((False, "seed on one split", "seeds on one split"), (True, "split", "splits")):
        counts = sorted(n for n, of_splits in few if of_splits == over_splits)
        if counts:
            told.append(f"{' or '.join(map(str, counts))} {one if counts == [1] else many}")
    return " and ".join(told)
