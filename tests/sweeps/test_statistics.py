import math

import numpy as np
import pytest
from scipy import integrate, stats

from perceptron.sweeps import statistics
from perceptron.sweeps.finished_runs import Draw
from perceptron.sweeps.statistics import Gap, compare, estimate, fewest_runs, holm

NAN = float("nan")


def folds(*values: float) -> dict[Draw, float]:
    return {Draw(split=(0, fold), seed=0): value for fold, value in enumerate(values)}


def seeds(*values: float) -> dict[Draw, float]:
    return {Draw(split=(0, None), seed=seed): value for seed, value in enumerate(values)}


def test_the_fewest_runs_are_those_whose_test_has_a_power_of_four_fifths() -> None:
    # Cohen's tables have 0.80 for ten pairs and a difference of one standard deviation; by simulation.
    generator = np.random.default_rng(0)
    for n, enough in ((fewest_runs() - 1, False), (fewest_runs(), True)):
        differences = generator.normal(1.0, 1.0, (40_000, n))
        found = stats.ttest_1samp(differences, 0.0, axis=1).pvalue < 0.05
        assert (found.mean() > 0.795) == enough
    assert fewest_runs() == 10


@pytest.mark.parametrize("n", [2, 9, 10, 30])
def test_the_power_is_the_integral_over_all_deviations(n: int) -> None:
    critical = stats.t.ppf(0.975, n - 1)
    # The mean is normal around one standard deviation; n - 1 sample variances are chi-squared.
    power, _ = integrate.quad(
        lambda v: stats.chi2.pdf(v, n - 1) * stats.norm.sf(critical * math.sqrt(v / (n - 1)) - math.sqrt(n)), 0, np.inf
    )
    assert statistics._power(n) == pytest.approx(power, rel=1e-6)


def test_seeds_of_one_split_give_students_interval() -> None:
    values = np.random.default_rng(0).normal(size=10)
    found = estimate(seeds(*values), test_per_train=0.25)
    low, high = stats.t.interval(0.95, 9, loc=np.mean(values), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.std == pytest.approx(np.std(values, ddof=1))
    assert (found.n_runs, found.n, found.over_splits, found.gap) == (10, 10, False, None)


@pytest.mark.parametrize("values", [(0.5,), (0.9, 0.9), (0.1, 0.4, 0.2, 0.6)])
def test_too_few_runs_have_no_interval_and_no_p(values: tuple[float, ...]) -> None:
    found = estimate(seeds(*values), test_per_train=0.25)
    assert found.mean == pytest.approx(np.mean(values))
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(found.std) == (len(values) == 1)
    assert found.gap is Gap.TOO_FEW
    paired = compare(seeds(*values), seeds(*(value + 0.1 * value for value in values)), test_per_train=0.25)
    assert paired.difference == pytest.approx(0.1 * np.mean(values))
    assert math.isnan(paired.p)
    assert math.isnan(paired.effect)
    assert paired.gap is Gap.TOO_FEW


def test_folds_widen_the_interval_by_nadeau_and_bengio() -> None:
    # By hand: s² = 0.01 * 10/9, J = 10, n_test/n_train = 1/9: variance (1/10 + 1/9) s²; t(0.975, 9) = 2.262157.
    values = (0.6, 0.8) * 5
    found = estimate(folds(*values), test_per_train=1 / 9)
    assert found.high - found.mean == pytest.approx(2.262157 * math.sqrt((1 / 10 + 1 / 9) * 0.01 * 10 / 9), rel=1e-6)
    assert (found.n, found.over_splits) == (10, True)


def test_repetitions_of_folds_add_no_degrees_of_freedom() -> None:
    # The same ten sets of rows are tested again: t(0.975, 9) for any number of repetitions of ten folds.
    values = np.random.default_rng(0).normal(size=50)
    found = estimate({Draw((i // 10, i % 10), 0): v for i, v in enumerate(values)}, test_per_train=1 / 9)
    error = np.std(values, ddof=1) * math.sqrt(1 / 50 + 1 / 9)
    assert (found.high - found.mean) / error == pytest.approx(2.262157, rel=1e-6)
    # A fifth is tested by each of 30 random splits: five such sets, t(0.975, 4) = 2.776445.
    found = estimate(folds(*values[:30]), test_per_train=0.25)
    error = np.std(values[:30], ddof=1) * math.sqrt(1 / 30 + 1 / 4)
    assert (found.high - found.mean) / error == pytest.approx(2.776445, rel=1e-6)


def test_splits_that_measure_on_most_rows_tell_nothing_of_others() -> None:
    # Two splits with 65 % of the rows for training share most of these.
    found = estimate(folds(*np.linspace(0, 1, 12)), test_per_train=0.65 / 0.35)
    assert found.gap is Gap.SHARED_ROWS
    assert math.isnan(found.low)
    assert estimate(folds(*np.linspace(0, 1, 12)), test_per_train=math.inf).gap is Gap.SHARED_ROWS


def test_seeds_within_a_fold_are_one_witness() -> None:
    values = np.random.default_rng(0).normal(size=10)
    doubled = {Draw((0, fold), seed): v + 0.1 * seed for fold, v in enumerate(values) for seed in (-1, 1)}
    found, single = estimate(doubled, test_per_train=1.0), estimate(folds(*values), test_per_train=1.0)
    assert (found.low, found.high) == pytest.approx((single.low, single.high), nan_ok=True)
    assert (found.n_runs, single.n_runs, found.n) == (20, 10, 10)
    two_folds = {Draw((0, fold), seed): 0.1 * seed + fold for fold in (0, 1) for seed in range(10)}
    assert estimate(two_folds, test_per_train=1.0).gap is Gap.TOO_FEW


def test_paired_test_agrees_with_scikit_learns_example() -> None:
    # compute_corrected_ttest of scikit-learn's "Statistical comparison of models using grid search", two-sided.
    generator = np.random.default_rng(0)
    first, second = generator.normal(0.9, 0.02, 10), generator.normal(0.88, 0.02, 10)
    differences = second - first
    corrected = math.sqrt(np.var(differences, ddof=1) * (1 / 10 + 1 / 9))
    p = 2 * stats.t.sf(abs(differences.mean() / corrected), 9)
    found = compare(folds(*first), folds(*second), test_per_train=1 / 9)
    assert found.p == pytest.approx(p)
    assert found.difference == pytest.approx(differences.mean())
    assert found.effect == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert (found.n_pairs, found.over_splits) == (10, True)
    uncorrected = stats.ttest_rel(second, first).pvalue
    assert found.p > uncorrected


def test_only_common_draws_are_paired() -> None:
    found = compare(folds(1.0, 2.0, 9.0), folds(2.0, 4.0), test_per_train=0.0)
    assert (found.difference, found.n_pairs) == (1.5, 2)
    nothing = compare(folds(1.0, NAN), {Draw((0, 0), seed=1): 1.0} | {Draw((0, 1), seed=0): 1.0}, test_per_train=0.0)
    assert math.isnan(nothing.difference)
    assert math.isnan(nothing.p)
    assert (nothing.n_pairs, nothing.gap) == (0, Gap.UNDEFINED)


def test_what_never_varies_says_nothing_of_chance() -> None:
    ones = [1.0] * 10
    assert estimate(seeds(*ones), test_per_train=0.25).gap is Gap.CONSTANT
    found = compare(seeds(*ones), seeds(*(2 * value for value in ones)), test_per_train=0.25)
    assert (found.gap, found.difference) == (Gap.CONSTANT, 1.0)
    assert math.isnan(found.p)
    for equal in (ones, [0.0] * 10):
        same = compare(seeds(*equal), seeds(*equal), test_per_train=0.25)
        assert (same.p, same.effect, same.gap) == (1.0, 0.0, None)


def test_rounding_is_no_variation() -> None:
    # One of 115 rows more is right in every run; float32 metrics round the same difference differently.
    first = [float(np.float32(n / 115)) for n in range(100, 110)]
    second = [float(np.float32((n + 1) / 115)) for n in range(100, 110)]
    assert len({b - a for a, b in zip(first, second, strict=True)}) > 1
    assert compare(seeds(*first), seeds(*second), test_per_train=0.25).gap is Gap.CONSTANT


@pytest.mark.parametrize("scale", [2.0**-6, 1.0, 2.0**6])
def test_four_units_in_the_last_place_of_float32_are_rounding(scale: float) -> None:
    unit = 2.0**-23
    rounded, varied = ([scale, scale * (1 - n_units * unit)] * 5 for n_units in (4, 5))
    assert estimate(seeds(*rounded), test_per_train=0.25).gap is Gap.CONSTANT
    assert estimate(seeds(*varied), test_per_train=0.25).gap is None
    ones = [scale] * 10
    lower, lowest = ([scale * (1 - n_units * unit)] * 10 for n_units in (4, 5))
    assert compare(seeds(*ones), seeds(*lower), test_per_train=0.25).p == 1.0
    assert compare(seeds(*ones), seeds(*lowest), test_per_train=0.25).gap is Gap.CONSTANT


def test_undefined_values_are_left_out() -> None:
    found = estimate(seeds(1.0, NAN, 3.0), test_per_train=0.25)
    assert (found.mean, found.n_runs) == (2.0, 2)
    nothing = estimate(seeds(NAN), test_per_train=0.25)
    assert math.isnan(nothing.mean)
    assert (nothing.n_runs, nothing.gap) == (0, Gap.UNDEFINED)


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.04 of three: 0.03, 0.04, and 0.04 not below the one before.
    assert holm([0.04, 0.01, NAN, 0.02])[:2] == [0.04, 0.03]
    assert math.isnan(holm([0.04, 0.01, NAN, 0.02])[2])
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def test_the_corrected_interval_covers_where_the_plain_one_does_not() -> None:
    # Splits of one table share rows; over many tables a 95 % interval must hold the truth about as often as it says.
    generator = np.random.default_rng(1)
    covered = plain = 0
    for _ in range(200):
        table = generator.normal(0.0, 1.0, 60)
        # The score of a split is the mean squared error, on its test rows, of the mean of its training rows.
        scores = []
        for _ in range(10):
            order = generator.permutation(60)
            test, train = table[order[:12]], table[order[12:]]
            scores.append(float(np.mean((test - train.mean()) ** 2)))
        truth = 1 + 1 / 48
        found = estimate(folds(*scores), test_per_train=0.25)
        naive = estimate(folds(*scores), test_per_train=0.0)
        covered += found.low <= truth <= found.high
        plain += naive.low <= truth <= naive.high
    assert plain < 0.85 * 200
    assert covered > 0.93 * 200
