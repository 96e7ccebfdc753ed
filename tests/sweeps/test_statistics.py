import math

import numpy as np
import pytest
from scipy import stats

from perceptron.sweeps.statistics import Draw, compare, estimate, holm

NAN = float("nan")


def folds(*values: float) -> dict[Draw, float]:
    return {Draw(split=(0, fold), seed=0): value for fold, value in enumerate(values)}


def seeds(*values: float) -> dict[Draw, float]:
    return {Draw(split=(0, None), seed=seed): value for seed, value in enumerate(values)}


def test_seeds_of_one_split_give_students_interval() -> None:
    values = (0.1, 0.4, 0.2, 0.6)
    found = estimate(seeds(*values), test_per_train=0.25)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.std == pytest.approx(np.std(values, ddof=1))
    assert found.n_runs == 4


def test_folds_widen_the_interval_by_nadeau_and_bengio() -> None:
    # By hand: s² = 0.01, J = 4, n_test/n_train = 1/3: variance (1/4 + 1/3) * 0.01; t(0.975, 3) = 3.18245.
    values = (0.6, 0.7, 0.8, 0.7)
    variance = np.var(values, ddof=1) * (1 / 4 + 1 / 3)
    found = estimate(folds(*values), test_per_train=1 / 3)
    assert found.high - found.mean == pytest.approx(3.182446 * math.sqrt(variance), rel=1e-6)


def test_seeds_within_a_fold_are_one_witness() -> None:
    doubled = {Draw(split=(0, fold), seed=seed): value for fold, value in enumerate((0.6, 0.8)) for seed in (0, 1)}
    found, single = estimate(doubled, test_per_train=1.0), estimate(folds(0.6, 0.8), test_per_train=1.0)
    assert (found.low, found.high) == (single.low, single.high)
    assert (found.n_runs, single.n_runs) == (4, 2)


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
    uncorrected = stats.ttest_rel(second, first).pvalue
    assert found.p > uncorrected


def test_only_common_draws_are_paired() -> None:
    found = compare(folds(1.0, 2.0, 9.0), folds(2.0, 4.0), test_per_train=0.0)
    assert (found.difference, found.n_pairs) == (1.5, 2)


def test_what_never_varies_says_nothing_of_chance() -> None:
    assert math.isnan(compare(seeds(1.0, 1.0), seeds(2.0, 2.0), test_per_train=0.25).p)
    assert compare(seeds(1.0, 1.0), seeds(1.0, 1.0), test_per_train=0.25).p == 1


def test_undefined_values_are_left_out() -> None:
    found = estimate(seeds(1.0, NAN, 3.0), test_per_train=0.25)
    assert (found.mean, found.n_runs) == (2.0, 2)
    nothing = estimate(seeds(NAN), test_per_train=0.25)
    assert math.isnan(nothing.mean)
    assert nothing.n_runs == 0


def test_a_single_run_has_no_interval() -> None:
    found = estimate(seeds(0.5), test_per_train=0.25)
    assert found.mean == 0.5
    assert math.isnan(found.low)
    assert math.isnan(found.std)


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.04 of three: 0.03, 0.04, and 0.04 not below the one before.
    assert holm([0.04, 0.01, NAN, 0.02])[:2] == [0.04, 0.03]
    assert math.isnan(holm([0.04, 0.01, NAN, 0.02])[2])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


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
    assert plain < 0.8 * 200
    assert covered > 0.88 * 200
