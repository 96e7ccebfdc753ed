import numpy as np
import pytest

from perceptron.data import split_rows, splits
from perceptron.errors import UsageError

LABELS = np.repeat([0, 1, 2], [120, 60, 20])


def _split(**settings):
    return split_rows(200, **{"labels": LABELS, "val_fraction": 0.1, "test_fraction": 0.2, "split_seed": 0} | settings)


def test_splits_are_disjoint_and_together_all_rows() -> None:
    split = _split()
    assert (len(split.train), len(split.val), len(split.test)) == (140, 20, 40)
    assert np.array_equal(np.sort(np.concatenate([split.train, split.val, split.test])), np.arange(200))


def test_fractions_are_of_all_rows_and_stratified() -> None:
    split = _split()
    assert np.bincount(LABELS[split.test]).tolist() == [24, 12, 4]
    assert np.bincount(LABELS[split.val]).tolist() == [12, 6, 2]


def test_the_seed_alone_decides() -> None:
    np.random.seed(1)  # noqa: NPY002
    first = _split(split_seed=3)
    np.random.seed(2)  # noqa: NPY002
    again, other = _split(split_seed=3), _split(split_seed=4)
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


def test_fractions_of_zero_are_legal() -> None:
    split = _split(val_fraction=0, test_fraction=0)
    assert (len(split.train), len(split.val), len(split.test)) == (200, 0, 0)


@pytest.mark.parametrize("labels", [LABELS, None])
def test_each_row_is_tested_in_exactly_one_fold(labels) -> None:
    splits = [_split(labels=labels, folds=10, fold=fold) for fold in range(10)]
    assert np.array_equal(np.sort(np.concatenate([split.test for split in splits])), np.arange(200))
    for split in splits:
        assert not set(split.test) & (set(split.train) | set(split.val))
        assert len(split.val) == 20
        if labels is not None:
            assert np.bincount(LABELS[split.test]).tolist() == [12, 6, 2]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"labels": np.repeat([0, 1, 2], [190, 9, 1]), "class_names": ("dog", "cat", "gerbil")},
            "every class must have at least 3 rows, one for each of training, validation and test, got gerbil with 1 "
            "row; leave such rows out, or set data.val_fraction=0 and data.test_fraction=0",
        ),
        (
            {"labels": np.repeat([0, 1, 2], [197, 2, 1]), "class_names": ("1", "2", "30"), "val_fraction": 0},
            "every class must have at least 2 rows, one for each of training and test, got 30 with 1 row; leave such "
            "rows out, set data.test_fraction=0, or set data.task=regression if they are quantities",
        ),
        (
            {"folds": 30, "fold": 0},
            "every class must have at least 30 rows, one for each of 30 folds, got 2 with 20 rows; leave such rows "
            "out, or lower data.folds",
        ),
        (
            {"labels": np.repeat([0, 1], [198, 2]), "folds": 2, "fold": 0},
            "every class must have at least 4 rows, two for each of 2 folds, got 1 with 2 rows; leave such rows out, "
            "or set data.val_fraction=0",
        ),
        ({"labels": None, "folds": 300, "fold": 0}, "at most the number of rows, got 300 of 200"),
    ],
)
def test_too_few_rows_are_one_line(settings, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        _split(**settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_many_rows_are_stratified_without_lists_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "_MANY_ROWS", 100)
    split = _split()
    assert np.array_equal(np.sort(np.concatenate([split.train, split.val, split.test])), np.arange(200))
    assert np.bincount(LABELS[split.test]).tolist() == [24, 12, 4]
    assert np.bincount(LABELS[split.val]).tolist() == [12, 6, 2]
    assert np.array_equal(split.test, _split().test)
    assert not np.array_equal(split.test, _split(split_seed=1).test)
