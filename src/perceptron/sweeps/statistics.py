"""Mean, spread and interval of a metric, and the paired test between two settings."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

NAN = float("nan")
# Of every interval, in (0, 1).
_CONFIDENCE = 0.95


class Draw(NamedTuple):
    """What chance decided in a run: which rows it was tested on, and the seed of its model.

    Attributes:
        split: the split of the rows, such as ``(split_seed, fold)``.
        seed: the seed of weights, row order and noise.
    """

    split: Hashable
    seed: int


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A metric over runs.

    Attributes:
        mean: over splits; over seeds where there is one split.
        std: sample standard deviation of the same; NaN of one value.
        low: lower end of the 95 % confidence interval of the mean; NaN of one value.
        high: its upper end.
        n_runs: how many runs had the metric.
    """

    mean: float
    std: float
    low: float
    high: float
    n_runs: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The difference of two settings over the draws that both have.

    Attributes:
        difference: mean of the other's value minus the reference's.
        p: two-sided probability of such a difference by chance; NaN of fewer than two pairs, or where chance
            changes nothing.
        n_pairs: number of splits, or of seeds where there is one split.
    """

    difference: float
    p: float
    n_pairs: int


def estimate(values: Mapping[Draw, float], *, test_per_train: float) -> Estimate:
    """Mean, deviation and interval of a metric.

    Runs on the same rows are no independent witnesses, so seeds are averaged within a split first. Splits of one table
    share most of their rows too: the variance of their mean is not s²/J but (1/J + n_test/n_train) s², with J - 1
    degrees of freedom (Nadeau and Bengio 2003, "Inference for the Generalization Error", eq. 9). With a single split
    the interval is Student's over seeds, and says nothing about other rows.

    Args:
        values: value of each run. NaN are left out.
        test_per_train: test rows per row that is not tested.
    """
    known = {draw: value for draw, value in values.items() if not math.isnan(value)}
    sample, correction = _sample(known, test_per_train)
    if not sample:
        return Estimate(mean=NAN, std=NAN, low=NAN, high=NAN, n_runs=0)
    mean = float(np.mean(list(sample.values())))
    if len(sample) == 1:
        return Estimate(mean=mean, std=NAN, low=NAN, high=NAN, n_runs=len(known))
    std = float(np.std(list(sample.values()), ddof=1))
    half = float(stats.t.ppf((1 + _CONFIDENCE) / 2, len(sample) - 1)) * std * math.sqrt(1 / len(sample) + correction)
    return Estimate(mean=mean, std=std, low=mean - half, high=mean + half, n_runs=len(known))


def compare(reference: Mapping[Draw, float], other: Mapping[Draw, float], *, test_per_train: float) -> Comparison:
    """Paired test over the draws that two settings share, with the corrected variance of ``estimate``.

    Args:
        reference: value of each of its runs.
        other: value of each of its runs.
        test_per_train: test rows per row that is not tested.
    """
    differences = {draw: other[draw] - reference[draw] for draw in reference if draw in other}
    known = {draw: value for draw, value in differences.items() if not math.isnan(value)}
    sample, correction = _sample(known, test_per_train)
    if not sample:
        return Comparison(difference=NAN, p=NAN, n_pairs=0)
    mean = float(np.mean(list(sample.values())))
    n = len(sample)
    if n == 1:
        return Comparison(difference=mean, p=NAN, n_pairs=1)
    error = float(np.std(list(sample.values()), ddof=1)) * math.sqrt(1 / n + correction)
    if error == 0:
        # Nothing that varies says nothing of chance.
        return Comparison(difference=mean, p=1.0 if mean == 0 else NAN, n_pairs=n)
    return Comparison(difference=mean, p=float(2 * stats.t.sf(abs(mean) / error, n - 1)), n_pairs=n)


def holm(ps: Sequence[float]) -> list[float]:
    """Probabilities adjusted for testing several settings at once (Holm 1979). NaN stay and do not count."""
    order = sorted((i for i, p in enumerate(ps) if not math.isnan(p)), key=lambda i: ps[i])
    adjusted = [NAN] * len(ps)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * ps[i]))
        adjusted[i] = largest
    return adjusted


def _sample(values: Mapping[Draw, float], test_per_train: float) -> tuple[dict[Hashable, float], float]:
    """Independent-most values and what is added to 1/J in the variance of their mean."""
    by_split: dict[Hashable, list[float]] = defaultdict(list)
    for draw, value in values.items():
        by_split[draw.split].append(value)
    if len(by_split) > 1:
        return {split: float(np.mean(found)) for split, found in by_split.items()}, test_per_train
    return {draw.seed: value for draw, value in values.items()}, 0.0
