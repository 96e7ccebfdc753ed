"""Random splits of rows into training, validation and test."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from perceptron.data.table import RowNumbers
from perceptron.errors import UsageError

# With more rows, the Python lists in scikit-learn's stratification take as much memory as the table.
_MANY_ROWS = 1_000_000
# Classes that a message names.
_MOST_CLASSES = 5


@dataclass(frozen=True, kw_only=True)
class Split:
    """Row numbers of the three splits, ascending and disjoint; together they are all rows."""

    train: RowNumbers
    val: RowNumbers
    test: RowNumbers

    def rows(self, name: str) -> RowNumbers:
        """Row numbers of the split ``train``, ``val`` or ``test``."""
        rows: RowNumbers = {"train": self.train, "val": self.val, "test": self.test}[name]
        return rows


def split_rows(
    n_rows: int,
    *,
    labels: npt.NDArray[np.int64] | None,
    class_names: Sequence[str] = (),
    val_fraction: float,
    test_fraction: float,
    split_seed: int,
    folds: int | None = None,
    fold: int | None = None,
) -> Split:
    """Draw test rows, then validation rows, at random; the remaining rows are for training.

    In a cross-validation, the test rows are those of one fold, so that each row is tested once over all folds.

    Args:
        n_rows: number of rows in the table.
        labels: ``(n_rows,)`` class of each row, by which the splits are stratified; None for a continuous target.
        class_names: one per class, for messages; empty for their numbers.
        val_fraction: share of **all** rows that go to validation, in [0, 1); 0 gives none.
        test_fraction: share of all rows that go to the test, in [0, 1); 0 gives none.
        split_seed: the only source of randomness.
        folds: number of folds, which replaces ``test_fraction``; None for no cross-validation.
        fold: number of the test fold, from 0.

    Raises:
        UsageError: if too few rows are left, or a class has too few rows to be stratified.
    """
    rows = np.arange(n_rows, dtype=np.int64)
    try:
        if folds is None:
            rest, test = _take(rows, labels, test_fraction, split_seed, "data.test_fraction", n_rows)
        else:
            rest, test = _fold(rows, labels, folds, fold or 0, split_seed)
        train, val = _take(rest, labels, val_fraction, split_seed, "data.val_fraction", n_rows)
    except UsageError as error:
        if labels is None:
            raise
        sides = _Sides(folds=folds, has_test=test_fraction > 0, has_val=val_fraction > 0)
        if said := _small_classes(labels, class_names, sides):
            raise UsageError(said) from error
        raise
    return Split(train=np.sort(train), val=np.sort(val), test=np.sort(test))


@dataclass(frozen=True, kw_only=True)
class _Sides:
    """The splits in which each class must have a row."""

    folds: int | None
    has_test: bool
    has_val: bool

    @property
    def n_rows(self) -> int:
        """Number of rows that a class needs."""
        if self.folds is not None:
            # With two folds, validation rows are drawn from half of the class.
            return 4 if self.folds == 2 and self.has_val else self.folds
        return 1 + self.has_test + self.has_val

    @property
    def named(self) -> str:
        """The purpose of these rows, for a message."""
        if self.folds is not None:
            return "two for each of 2 folds" if self.n_rows > self.folds else f"one for each of {self.folds} folds"
        both = self.has_test and self.has_val
        return "one for each of training" + (
            ", validation and test" if both else " and test" if self.has_test else " and validation"
        )

    @property
    def fewer(self) -> str:
        """The settings that require fewer rows, for a message."""
        if self.folds is not None and self.folds > 2:
            return "lower data.folds"
        if self.folds is not None and not self.has_val:
            return "set data.folds=null and data.test_fraction=0"
        sides = (("val", self.has_val), ("test", self.has_test and self.folds is None))
        return "set " + " and ".join(f"data.{name}_fraction=0" for name, has in sides if has)


def _small_classes(labels: npt.NDArray[np.int64], names: Sequence[str], sides: _Sides) -> str:
    """Message that names the classes with too few rows; empty if there are none."""
    numbers, counts = np.unique(labels, return_counts=True)
    small = [(names[i] if names else str(i), n) for i, n in zip(numbers, counts, strict=True) if n < sides.n_rows]
    if not small:
        return ""
    told = ", ".join(f"{name} with {n} {'row' if n == 1 else 'rows'}" for name, n in small[:_MOST_CLASSES])
    more = f" and {len(small) - _MOST_CLASSES} more" if len(small) > _MOST_CLASSES else ""
    whole = len(names) > 2 and all(re.fullmatch(r"-?\d+", name) for name in names)
    fixes = ["leave such rows out", sides.fewer, *(["set data.task=regression if they are quantities"] * whole)]
    return (
        f"every class must have at least {sides.n_rows} rows, {sides.named}, got {told}{more}; "
        f"{', '.join(fixes[:-1])}, or {fixes[-1]}"
    )


def _take(
    rows: RowNumbers,
    labels: npt.NDArray[np.int64] | None,
    fraction: float,
    seed: int,
    setting: str,
    n_all: int,
) -> tuple[RowNumbers, RowNumbers]:
    if fraction == 0:
        return rows, rows[:0]
    if len(rows) > _MANY_ROWS and labels is not None:
        return _take_of_many(rows, labels[rows], math.ceil(fraction * n_all), seed)
    n_taken = math.ceil(fraction * n_all)
    n_classes = 0 if labels is None else len(np.unique(labels[rows]))
    if min(n_taken, len(rows) - n_taken) < max(n_classes, 1):
        each, found = ("", "") if labels is None else (" of each class", f" for {n_classes} classes")
        raise UsageError(
            f"{setting}={fraction} must leave a row{each} on both sides, got {n_taken} of {len(rows)} rows{found}; set "
            f"{setting}=0 or to another share"
        )
    try:
        rest, taken = train_test_split(
            rows,
            test_size=n_taken,
            random_state=seed,
            stratify=None if labels is None else labels[rows],
        )
    except ValueError as error:
        raise UsageError(
            f"{setting}={fraction} must leave rows of every class on both sides of {len(rows)} rows, got: "
            f"{error}; set {setting}=0 or take more rows"
        ) from error
    return rest, taken


def _take_of_many(
    rows: RowNumbers, labels: npt.NDArray[np.int64], n_taken: int, seed: int
) -> tuple[RowNumbers, RowNumbers]:
    """Take rows of each class in proportion, rounding up the largest remainders; in the order of the rows."""
    rng = np.random.default_rng(seed)
    counts = np.bincount(labels)
    exact = n_taken * counts / len(rows)
    of_class = np.floor(exact).astype(np.int64)
    of_class[np.argsort(of_class - exact, kind="stable")[: n_taken - of_class.sum()]] += 1
    taken = np.zeros(len(rows), dtype=bool)
    for label, count in enumerate(of_class):
        members = np.flatnonzero(labels == label)
        taken[rng.choice(members, count, replace=False, shuffle=False)] = True
    return rows[~taken], rows[taken]


def _fold(
    rows: RowNumbers, labels: npt.NDArray[np.int64] | None, folds: int, fold: int, seed: int
) -> tuple[RowNumbers, RowNumbers]:
    # Other data for a trained model may lack some of its classes.
    smallest = len(rows) if labels is None else int(np.unique(labels, return_counts=True)[1].min())
    if smallest < folds:
        # Of classes, split_rows names the small ones instead.
        raise UsageError(f"data.folds must be at most the number of rows, got {folds} of {smallest}; lower data.folds")
    splitter = (KFold if labels is None else StratifiedKFold)(folds, shuffle=True, random_state=seed)
    rest, test = list(splitter.split(rows, labels))[fold]
    return rows[rest], rows[test]
