"""Mean, spread and interval of a metric over runs, and the paired test between two settings."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Self

import numpy as np
from scipy import stats

from perceptron.sweeps.finished_runs import Draw

NAN = float("nan")
# Of every interval; the level of the two-sided tests is 1 minus this.
_CONFIDENCE = 0.95
# Metrics are computed in float32: differences below four units in the last place are rounding errors.
_RESOLUTION = 2.0**-21
# The least power that a planned test should have (Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences",
# section 2.4).
_POWER = 0.8


class Gap(StrEnum):
    """Why there is no interval or no p."""

    UNDEFINED = "undefined in every run"
    TOO_FEW = "too few runs"
    CONSTANT = "no variation between runs"
    SHARED_ROWS = "splits share their rows"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A metric over runs.

    Attributes:
        mean: over splits, or over seeds if there is only one split.
        std: sample standard deviation of the same values; NaN for a single value.
        low: lower end of the 95 % confidence interval of the mean; NaN if ``gap`` is set.
        high: its upper end.
        n_runs: number of runs with the metric.
        n: number of splits, or of seeds if there is only one split.
        over_splits: whether ``n`` counts splits.
        gap: why there is no interval; None if there is one.
    """

    mean: float
    std: float = NAN
    low: float = NAN
    high: float = NAN
    n_runs: int
    n: int
    over_splits: bool = False
    gap: Gap | None


UNDEFINED = Estimate(mean=NAN, n_runs=0, n=0, gap=Gap.UNDEFINED)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The difference of two settings over the draws that both have.

    Attributes:
        difference: mean of the other's value minus the reference's.
        effect: the same in sample standard deviations of the paired differences (Cohen's d_z); NaN if ``gap`` is set.
        p: two-sided probability of such a difference or a larger one if the settings are equal; NaN if ``gap`` is set.
        n_pairs: number of splits, or of seeds if there is only one split.
        over_splits: whether ``n_pairs`` counts splits.
        gap: why there is no p; None if there is one.
    """

    difference: float
    effect: float = NAN
    p: float = NAN
    n_pairs: int
    over_splits: bool = False
    gap: Gap | None


@cache
def fewest_runs() -> int:
    """The smallest number of runs for which an interval and a p are given: 10.

    With fewer pairs, even independent ones, a paired two-sided t test at 5 % misses a difference of one standard
    deviation of the paired differences more than one time in five: the noncentral t distribution gives a power of 0.75
    for 9 pairs and 0.80 for 10. Splits that share rows hold less information than independent runs, so the number is
    necessary but not sufficient.
    """
    n = 2
    while _power(n) < _POWER:
        n += 1
    return n


def _power(n: int) -> float:
    critical = stats.t.ppf((1 + _CONFIDENCE) / 2, n - 1)
    # The lower tail, which is below 0.003 for all n, is the probability of finding the opposite difference.
    return float(stats.nct.sf(critical, n - 1, math.sqrt(n)))


def estimate(values: Mapping[Draw, float], *, test_per_train: float) -> Estimate:
    """Mean, deviation and interval of a metric.

    Runs on the same rows are not independent, so seeds are averaged within a split first. The splits of a table share
    rows too. The variance of the mean over J splits is therefore taken as (1/J + n_test/n_train) s² (Nadeau and Bengio
    2003, "Inference for the Generalization Error", eq. 9). Student's t has min(J, m) - 1 degrees of freedom, where
    m = 1 + n_train/n_test is the number of disjoint test sets that the table has rows for: repetitions measure the same
    rows again. For K folds this is Nadeau and Bengio's K - 1. For repeated folds and random splits it is less than
    their J - 1, which in simulations told up to 13 % of equal models apart at a level of 5 %.

    With a single split the interval is Student's over seeds, and does not cover other rows.

    Args:
        values: value of each run; NaN is left out.
        test_per_train: number of rows that the metric is measured on, divided by the number of other rows of the table;
            infinite if it is measured on all.
    """
    known = {draw: value for draw, value in values.items() if not math.isnan(value)}
    if not known:
        return UNDEFINED
    sample = _Sample.of(known, test_per_train, largest=max(map(abs, known.values())))
    half = sample.half_width
    return Estimate(
        mean=sample.mean,
        std=sample.std,
        low=sample.mean - half,
        high=sample.mean + half,
        n_runs=len(known),
        n=sample.n,
        over_splits=sample.over_splits,
        gap=sample.gap,
    )


def compare(reference: Mapping[Draw, float], other: Mapping[Draw, float], *, test_per_train: float) -> Comparison:
    """Paired t test over the draws that two settings share, with variance and degrees of freedom of ``estimate``.

    Args:
        reference: value of each run of one setting.
        other: value of each run of the other.
        test_per_train: see ``estimate``.
    """
    differences = {draw: other[draw] - reference[draw] for draw in reference if draw in other}
    known = {draw: value for draw, value in differences.items() if not math.isnan(value)}
    if not known:
        return Comparison(difference=NAN, n_pairs=0, gap=Gap.UNDEFINED)
    largest = max(max(abs(reference[draw]), abs(other[draw])) for draw in known)
    sample = _Sample.of(known, test_per_train, largest=largest)
    effect = p = NAN
    gap = sample.gap
    if gap is None:
        effect = sample.mean / sample.std
        p = float(2 * stats.t.sf(abs(sample.mean) / sample.error, sample.freedom))
    elif gap is Gap.CONSTANT and abs(sample.mean) <= _RESOLUTION * largest:
        effect, p, gap = 0.0, 1.0, None
    return Comparison(
        difference=sample.mean, effect=effect, p=p, n_pairs=sample.n, over_splits=sample.over_splits, gap=gap
    )


def disjoint_sets(test_per_train: float) -> int:
    """Number of disjoint test sets that a table has rows for, such as ten with ten folds.

    Args:
        test_per_train: see ``estimate``; positive.
    """
    # The small number keeps rounding errors from turning ten into nine.
    return math.floor(1 + 1 / test_per_train + 1e-6)


def holm(ps: Sequence[float]) -> list[float]:
    """Probabilities adjusted for several tests at once (Holm 1979). NaN stays NaN and does not count as a test."""
    order = sorted((i for i, p in enumerate(ps) if not math.isnan(p)), key=lambda i: ps[i])
    adjusted = [NAN] * len(ps)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * ps[i]))
        adjusted[i] = largest
    return adjusted


@dataclass(frozen=True, kw_only=True)
class _Sample:
    """Values that differ by chance: means of splits, or the values of seeds if there is only one split.

    Attributes:
        mean: of the values.
        std: their sample standard deviation; NaN for a single value.
        n: their number.
        over_splits: whether they are means of splits.
        error: standard error of the mean.
        freedom: degrees of freedom of Student's t.
    """

    mean: float
    std: float
    n: int
    over_splits: bool
    error: float
    freedom: int

    @classmethod
    def of(cls, values: Mapping[Draw, float], test_per_train: float, *, largest: float) -> Self:
        """The sample of at least one run.

        Args:
            values: metrics, or differences of metrics.
            test_per_train: see ``estimate``.
            largest: the largest absolute value of the metric; rounding errors are relative to it.
        """
        by_split: dict[Hashable, list[float]] = defaultdict(list)
        for draw, value in values.items():
            by_split[draw.split].append(value)
        over_splits = len(by_split) > 1
        sample = [float(np.mean(found)) for found in by_split.values()] if over_splits else list(values.values())
        n = len(sample)
        alike = max(sample) - min(sample) <= _RESOLUTION * largest
        std = NAN if n == 1 else 0.0 if alike else float(np.std(sample, ddof=1))
        correction = test_per_train if over_splits else 0.0
        freedom = n - 1
        if correction > 0:
            freedom = min(freedom, disjoint_sets(correction) - 1)
        return cls(
            mean=float(np.mean(sample)),
            std=std,
            n=n,
            over_splits=over_splits,
            error=std * math.sqrt(1 / n + correction),
            freedom=freedom,
        )

    @property
    def gap(self) -> Gap | None:
        """Why chance cannot be estimated; None if it can."""
        if self.n < fewest_runs():
            return Gap.TOO_FEW
        if self.freedom < 1:
            return Gap.SHARED_ROWS
        return Gap.CONSTANT if self.std == 0 else None

    @property
    def half_width(self) -> float:
        """Half of the confidence interval of the mean; NaN if there is none."""
        if self.gap is not None:
            return NAN
        return float(stats.t.ppf((1 + _CONFIDENCE) / 2, self.freedom)) * self.error
