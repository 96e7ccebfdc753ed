"""Groups stay together, time runs one way, given test rows stay the test."""

import numpy as np
import pytest

from perceptron.data.group_splits import split_given, split_groups, split_time
from perceptron.errors import UsageError

GROUPS = np.arange(200) % 23


def _sides(split, values):
    return [set(values[split.rows(name)]) for name in ("train", "val", "test")]


def _is_partition(split, n: int) -> bool:
    return sorted(np.concatenate([split.train, split.val, split.test])) == list(range(n))


@pytest.mark.parametrize("seed", range(5))
def test_a_group_is_on_one_side(seed: int) -> None:
    split = split_groups(GROUPS, val_fraction=0.2, test_fraction=0.3, split_seed=seed)
    train, val, test = _sides(split, GROUPS)
    assert not train & val
    assert not train & test
    assert not val & test
    assert (len(val), len(test)) == (5, 7)
    assert _is_partition(split, 200)


def test_folds_test_each_group_once() -> None:
    folds = [split_groups(GROUPS, val_fraction=0.1, test_fraction=0.2, split_seed=0, folds=4, fold=i) for i in range(4)]
    tested = [group for split in folds for group in _sides(split, GROUPS)[2]]
    assert sorted(tested) == list(range(23))
    for split in folds:
        train, val, test = _sides(split, GROUPS)
        assert not train & val
        assert not (train | val) & test


def test_time_runs_from_training_to_test() -> None:
    time = np.random.default_rng(0).permutation(100).astype(float)
    split = split_time(time, val_fraction=0.1, test_fraction=0.2)
    assert time[split.train].max() < time[split.val].min()
    assert time[split.val].max() < time[split.test].min()
    assert (len(split.train), len(split.val), len(split.test)) == (70, 10, 20)


def test_rows_of_one_time_are_on_one_side() -> None:
    time = np.repeat(np.arange(10), 10)
    split = split_time(time, val_fraction=0.15, test_fraction=0.25)
    assert _sides(split, time) == [{0, 1, 2, 3, 4, 5}, {6}, {7, 8, 9}]
    assert _is_partition(split, 100)
    with pytest.raises(UsageError, match="rows of a time of its own, got 1 different times"):
        split_time(np.zeros(50), val_fraction=0.1, test_fraction=0.2)


def test_given_test_rows_are_the_test() -> None:
    is_test = np.arange(100) >= 80
    split = split_given(is_test, labels=np.arange(100) % 2, groups=None, val_fraction=0.25, split_seed=0)
    assert (split.test == np.arange(80, 100)).all()
    assert len(split.val) == 20
    assert _is_partition(split, 100)
    with pytest.raises(UsageError, match="must hold groups of its own"):
        split_given(is_test, labels=None, groups=np.arange(100) % 7, val_fraction=0.2, split_seed=0)
