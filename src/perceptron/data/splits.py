"""Which rows are for training, for validation and for testing."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from perceptron.data.table import RowNumbers
from perceptron.errors import UsageError


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
    val_fraction: float,
    test_fraction: float,
    split_seed: int,
) -> Split:
    """Draw test rows, then validation rows, at random; what is left is for training.

    Args:
        n_rows: number of rows in the table.
        labels: ``(n_rows,)`` class of each row to stratify by; None for a continuous target.
        val_fraction: share of **all** rows that go to validation, in [0, 1); 0 gives none.
        test_fraction: share of all rows that go to the test, in [0, 1); 0 gives none.
        split_seed: the only source of randomness.

    Raises:
        UsageError: where too few rows are left, or a class has too few rows to be stratified.
    """
    rows = np.arange(n_rows, dtype=np.int64)
    rest, test = _take(rows, labels, test_fraction, Fraction(1), split_seed, "data.test_fraction")
    left = 1 - Fraction(test_fraction)
    train, val = _take(rest, labels, val_fraction, left, split_seed, "data.val_fraction")
    return Split(train=np.sort(train), val=np.sort(val), test=np.sort(test))


def _take(
    rows: RowNumbers,
    labels: npt.NDArray[np.int64] | None,
    fraction: float,
    of: Fraction,
    seed: int,
    setting: str,
) -> tuple[RowNumbers, RowNumbers]:
    if fraction == 0:
        return rows, rows[:0]
    try:
        rest, taken = train_test_split(
            rows,
            test_size=float(Fraction(fraction) / of),
            random_state=seed,
            stratify=None if labels is None else labels[rows],
        )
    except ValueError as error:
        raise UsageError(
            f"{setting}={fraction} must leave rows of every class on both sides of {len(rows)} rows, got: "
            f"{error} Set {setting}=0 or take more rows"
        ) from error
    return rest, taken
