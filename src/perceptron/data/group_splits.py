"""Splits that keep groups together, follow time, or take the test rows as given."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold, GroupShuffleSplit

from perceptron.data.splits import Split, split_rows
from perceptron.data.table import RowNumbers
from perceptron.errors import UsageError


def split_groups(
    groups: npt.NDArray[Any],
    *,
    val_fraction: float,
    test_fraction: float,
    split_seed: int,
    folds: int | None = None,
    fold: int | None = None,
) -> Split:
    """Draw whole groups: fractions are shares of the groups.

    Raises:
        UsageError: where there are too few groups.
    """
    rows = np.arange(len(groups), dtype=np.int64)
    n_groups = len(np.unique(groups))
    if folds is not None:
        if n_groups < folds:
            raise UsageError(f"data.folds must be at most the number of groups, got {folds} of {n_groups}; lower it")
        splitter = GroupKFold(folds, shuffle=True, random_state=split_seed)
        rest, test = list(splitter.split(rows, groups=groups))[fold or 0]
    else:
        rest, test = _take(rows, groups, test_fraction, n_groups, split_seed, "data.test_fraction")
    train, val = _take(rest, groups, val_fraction, n_groups, split_seed, "data.val_fraction")
    return Split(train=np.sort(train), val=np.sort(val), test=np.sort(test))


def _take(
    rows: RowNumbers, groups: npt.NDArray[Any], fraction: float, n_groups: int, seed: int, setting: str
) -> tuple[RowNumbers, RowNumbers]:
    if fraction == 0:
        return rows, rows[:0]
    wanted = math.ceil(fraction * n_groups)
    left = len(np.unique(groups[rows]))
    if wanted >= left:
        raise UsageError(f"{setting}={fraction} must leave groups for training, got {wanted} of {left}; lower it")
    splitter = GroupShuffleSplit(1, test_size=wanted, random_state=seed)
    rest, taken = next(splitter.split(rows, groups=groups[rows]))
    return rows[rest], rows[taken]


def split_time(time: npt.NDArray[Any], *, val_fraction: float, test_fraction: float) -> Split:
    """Training rows before validation rows before test rows; rows of the same time on the same side.

    Raises:
        UsageError: where a side would be empty.
    """
    order = np.argsort(time, kind="stable").astype(np.int64)
    n = len(time)
    test = _first_of_its_time(time[order], n - math.ceil(test_fraction * n))
    val = _first_of_its_time(time[order], min(n - math.ceil(test_fraction * n) - math.ceil(val_fraction * n), test))
    for setting, fraction, size in (
        ("data.test_fraction", test_fraction, n - test),
        ("data.val_fraction", val_fraction, test - val),
        ("data.train", 1.0, val),
    ):
        if fraction > 0 and size == 0:
            raise UsageError(
                f"{setting} needs rows of a time of its own, got {len(np.unique(time))} different times for all sides; "
                "change the fractions or leave data.time out"
            )
    return Split(train=np.sort(order[:val]), val=np.sort(order[val:test]), test=np.sort(order[test:]))


def _first_of_its_time(ordered: npt.NDArray[Any], place: int) -> int:
    return int(np.searchsorted(ordered, ordered[place], side="left")) if 0 < place < len(ordered) else max(place, 0)


def split_given(
    is_test: npt.NDArray[np.bool_],
    *,
    labels: npt.NDArray[np.int64] | None,
    class_names: Sequence[str] = (),
    groups: npt.NDArray[Any] | None,
    val_fraction: float,
    split_seed: int,
) -> Split:
    """Test rows as they are given, validation rows drawn from the others.

    Raises:
        UsageError: where too few rows are left, or a group is on both sides.
    """
    others, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    if groups is not None:
        both = set(groups[others]) & set(groups[test])
        if both:
            raise UsageError(
                f"data.test_path must hold groups of its own, got {min(both)} in data.path too; drop it there"
            )
        drawn = split_groups(groups[others], val_fraction=val_fraction, test_fraction=0, split_seed=split_seed)
    else:
        drawn = split_rows(
            len(others),
            labels=None if labels is None else labels[others],
            class_names=class_names,
            val_fraction=val_fraction,
            test_fraction=0,
            split_seed=split_seed,
        )
    return Split(train=others[drawn.train], val=others[drawn.val], test=test)
