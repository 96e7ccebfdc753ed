"""Splits that keep groups together, follow time, or use given test rows."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold, GroupShuffleSplit

from perceptron.data.columns.column_table import ColumnTable
from perceptron.data.splits import Split, split_rows
from perceptron.data.table import RowNumbers
from perceptron.errors import UsageError


def split_columns(
    columns: ColumnTable,
    labels: npt.NDArray[np.int64] | None,
    *,
    class_names: Sequence[str],
    val_fraction: float,
    test_fraction: float,
    split_seed: int,
    folds: int | None,
    fold: int | None,
) -> Split:
    """Split a table by its groups, its time or its test rows if it has them, else at random.

    Args:
        columns: of the table.
        labels: see ``split_rows`` for this and the other arguments.
        class_names: see there.
        val_fraction: see there.
        test_fraction: see there.
        split_seed: see there.
        folds: see there.
        fold: see there.

    Raises:
        UsageError: if groups, time, folds and given test rows exclude each other, or too few rows are left.
    """
    groups, time, is_test = columns.groups, columns.time, columns.is_test
    if time is not None and (groups is not None or is_test is not None or folds is not None):
        raise UsageError(
            "data.time splits alone, got data.group, data.test_path or data.folds beside it; leave it or them out"
        )
    if is_test is not None and folds is not None:
        raise UsageError("data.test_path and data.folds both name test rows, got both; leave one out")
    if time is not None:
        return split_time(time, val_fraction=val_fraction, test_fraction=test_fraction)
    if is_test is not None:
        return split_given(
            is_test,
            labels=labels,
            class_names=class_names,
            groups=groups,
            val_fraction=val_fraction,
            split_seed=split_seed,
        )
    drawn: dict[str, Any] = {"test_fraction": test_fraction, "folds": folds, "fold": fold}
    drawn |= {"val_fraction": val_fraction, "split_seed": split_seed}
    if groups is not None:
        return split_groups(groups, **drawn)
    return split_rows(len(columns.frame), labels=labels, class_names=class_names, **drawn)


def split_groups(
    groups: npt.NDArray[Any],
    *,
    val_fraction: float,
    test_fraction: float,
    split_seed: int,
    folds: int | None = None,
    fold: int | None = None,
) -> Split:
    """Draw whole groups; fractions are shares of the groups.

    Raises:
        UsageError: if there are too few groups.
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
    """Split in the order of time: training, validation, test; rows of the same time are on the same side.

    Raises:
        UsageError: if a side would be empty.
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
    """Use the given test rows, and draw validation rows from the others.

    Raises:
        UsageError: if too few rows are left, or a group is on both sides.
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
