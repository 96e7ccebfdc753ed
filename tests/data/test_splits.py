import math

import numpy as np
import pytest
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

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


@pytest.mark.parametrize("labels", [LABELS, None])
def test_rows_are_those_that_scikit_learn_draws(labels) -> None:
    # 20.2 and 39.6 rows are rounded up.
    split = _split(labels=labels, val_fraction=0.101, test_fraction=0.198, split_seed=7)
    rest, test = train_test_split(np.arange(200), test_size=40, random_state=7, stratify=labels)
    of_rest = None if labels is None else labels[rest]
    train, val = train_test_split(rest, test_size=21, random_state=7, stratify=of_rest)
    for name, rows in (("train", train), ("val", val), ("test", test)):
        assert split.rows(name).tolist() == sorted(rows)
        assert split.rows(name).dtype == np.int64


@pytest.mark.parametrize("labels", [LABELS, None])
def test_folds_are_those_of_scikit_learn(labels) -> None:
    kind = KFold if labels is None else StratifiedKFold
    expected = list(kind(5, shuffle=True, random_state=7).split(np.arange(200), labels))
    for fold, (rest, test) in enumerate(expected):
        split = _split(labels=labels, folds=5, fold=fold, split_seed=7)
        assert split.test.tolist() == test.tolist()
        assert sorted([*split.train, *split.val]) == rest.tolist()
    # Without a number, the first is tested.
    assert _split(labels=labels, folds=5, split_seed=7).test.tolist() == expected[0][1].tolist()


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
            {"labels": np.repeat(np.arange(10), [191, *[1] * 9]), "test_fraction": 0},
            "every class must have at least 2 rows, one for each of training and validation, got 1 with 1 row, 2 with "
            "1 row, 3 with 1 row, 4 with 1 row, 5 with 1 row and 4 more; leave such rows out, or set "
            "data.val_fraction=0",
        ),
        (
            {"labels": np.repeat(np.arange(6), [190, *[2] * 5])},
            "every class must have at least 3 rows, one for each of training, validation and test, got 1 with 2 rows, "
            "2 with 2 rows, 3 with 2 rows, 4 with 2 rows, 5 with 2 rows; leave such rows out, or set "
            "data.val_fraction=0 and data.test_fraction=0",
        ),
        # Two classes, and names that are no whole numbers, are classes and no quantities.
        (
            {"labels": np.repeat([0, 1], [199, 1]), "class_names": ("-1", "1"), "test_fraction": 0},
            "got 1 with 1 row; leave such rows out, or set data.val_fraction=0",
        ),
        (
            {"labels": np.repeat([0, 1, 2], [190, 9, 1]), "class_names": ("1", "2", "2.5"), "test_fraction": 0},
            "got 2.5 with 1 row; leave such rows out, or set data.val_fraction=0",
        ),
        (
            {"labels": np.repeat([0, 1, 2], [190, 9, 1]), "class_names": ("-10", "2", "3"), "test_fraction": 0},
            "rows out, set data.val_fraction=0, or set data.task=regression if they are quantities",
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
        (
            {"labels": np.repeat([0, 1], [199, 1]), "folds": 2, "fold": 0, "val_fraction": 0},
            "every class must have at least 2 rows, one for each of 2 folds, got 1 with 1 row; leave such rows out, or "
            "set data.folds=null and data.test_fraction=0",
        ),
        (
            {"labels": None, "folds": 300, "fold": 0},
            "data.folds must be at most the number of rows, got 300 of 200; lower data.folds",
        ),
        (
            {"test_fraction": 0.01},
            "data.test_fraction=0.01 must leave a row of each class on both sides, got 2 of 200 rows for 3 classes; "
            "set data.test_fraction=0 or to another share",
        ),
        (
            {"val_fraction": 0.79},
            "data.val_fraction=0.79 must leave a row of each class on both sides, got 158 of 160 rows for 3 classes; "
            "set data.val_fraction=0 or to another share",
        ),
        (
            {"labels": None, "val_fraction": 0.8},
            "data.val_fraction=0.8 must leave a row on both sides, got 160 of 160 rows; set data.val_fraction=0 or to "
            "another share",
        ),
        (
            {"labels": np.repeat([0, 1], [197, 3]), "test_fraction": 0.7},
            "data.val_fraction=0.1 must leave rows of every class on both sides of 60 rows, got: The least populated "
            "classes in y have only 1 member, which is too few. The minimum number of groups for any class cannot be "
            "less than 2. Classes with too few members are: [1]; set data.val_fraction=0 or take more rows",
        ),
    ],
)
def test_too_few_rows_are_one_line(settings, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        _split(**settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_fewest_rows_that_a_message_asks_for_are_enough() -> None:
    for n_rows, settings in (
        (3, {}),
        (2, {"val_fraction": 0}),
        (2, {"test_fraction": 0}),
        (4, {"folds": 2, "fold": 0}),
        (2, {"folds": 2, "fold": 0, "val_fraction": 0}),
        (3, {"folds": 3, "fold": 2}),
    ):
        _split(labels=np.repeat([0, 1], [200 - n_rows, n_rows]), **settings)
    # One row on each side of each class, and not a row less.
    _split(test_fraction=0.015, val_fraction=0)
    _split(test_fraction=0.985, val_fraction=0)
    split_rows(2, labels=None, val_fraction=0.5, test_fraction=0, split_seed=0)


def test_rare_classes_of_other_rows_are_no_matter_without_drawn_splits() -> None:
    labels = np.repeat([0, 2], [199, 1])
    assert len(_split(labels=labels, val_fraction=0, test_fraction=0).train) == 200


def test_many_rows_are_stratified_without_lists_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "_MANY_ROWS", 100)
    split = _split()
    assert np.array_equal(np.sort(np.concatenate([split.train, split.val, split.test])), np.arange(200))
    assert np.bincount(LABELS[split.test]).tolist() == [24, 12, 4]
    assert np.bincount(LABELS[split.val]).tolist() == [12, 6, 2]
    assert np.array_equal(split.test, _split().test)
    assert not np.array_equal(split.test, _split(split_seed=1).test)


def test_of_many_rows_the_largest_remainders_are_rounded_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "_MANY_ROWS", 99)
    # 25 rows of 100: 12.25, 7.75 and 5 of the classes; no rows of class 1.
    labels = np.random.default_rng(0).permutation(np.repeat([0, 2, 3], [49, 31, 20]))
    split = split_rows(100, labels=labels, val_fraction=0, test_fraction=0.25, split_seed=0)
    assert np.bincount(labels[split.test]).tolist() == [12, 0, 8, 5]
    assert np.array_equal(np.sort([*split.train, *split.test]), np.arange(100))
    # At random within a class.
    zeros = np.flatnonzero(labels == 0)
    assert not np.isin(zeros[:12], split.test).all()
    # Of equal remainders, those of the first classes.
    sizes = np.random.default_rng(0).integers(1, 4, 53) * 4
    labels = np.repeat(np.arange(53), sizes)
    split = split_rows(len(labels), labels=labels, val_fraction=0, test_fraction=0.175, split_seed=0)
    exact = [len(split.test) * size / len(labels) for size in sizes]
    expected = [math.floor(share) for share in exact]
    largest = sorted(range(53), key=lambda label: expected[label] - exact[label])
    for label in largest[: len(split.test) - sum(expected)]:
        expected[label] += 1
    assert np.bincount(labels[split.test]).tolist() == expected


def test_many_rows_without_classes_are_drawn_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    few = _split(labels=None)
    monkeypatch.setattr(splits, "_MANY_ROWS", 100)
    assert np.array_equal(_split(labels=None).test, few.test)
