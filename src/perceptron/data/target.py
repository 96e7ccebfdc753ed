"""What a target asks for: one rule for arrays, data sets of scikit-learn, DataFrames and files."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from perceptron.tasks import BINARY, MULTICLASS, REGRESSION

# More distinct whole numbers than this are quantities, unless they have names.
MOST_CLASSES = 20


class FoundTask(NamedTuple):
    """Name of the task that a target suits, and why: "the target ..."."""

    task: str
    reason: str


def task_of(target: npt.NDArray[Any], *, names: Sequence[Any] | None = None) -> FoundTask:
    """The task that a target suits.

    Several columns are a regression; texts, truths and two distinct values of any kind are classes. Of numbers, the
    values decide and not their type: those with a fraction, and more than twenty distinct whole numbers, are a
    regression; fewer are classes, and so are as many as there are ``names``.

    Args:
        target: ``(n_rows,)`` or ``(n_rows, n_targets)``, known in every row.
        names: of the target's values, where the source has some.
    """
    if target.ndim > 1:
        return FoundTask(REGRESSION.name, f"has {target.shape[1]} columns")
    distinct = np.unique(target)
    count = len(distinct)
    if count == 2:
        return FoundTask(BINARY.name, "has two distinct values")
    if distinct.dtype.kind not in "iuf":
        return FoundTask(MULTICLASS.name, f"has {count} distinct values that are no numbers")
    with np.errstate(invalid="ignore"):
        broken = distinct[distinct % 1 != 0]
    if len(broken):
        return FoundTask(REGRESSION.name, f"has numbers with a fraction, such as {broken[0]}")
    if count > MOST_CLASSES and (names is None or len(names) != count):
        return FoundTask(REGRESSION.name, f"has {count} distinct whole numbers, more than {MOST_CLASSES}")
    limit = f"at most {MOST_CLASSES}" if count <= MOST_CLASSES else "each with a name"
    return FoundTask(MULTICLASS.name, f"has {count} distinct whole numbers, {limit}")


def gaps(target: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """``(n_rows,)`` which rows miss a target: None or NaN."""
    absent = np.zeros(target.shape, dtype=bool)
    if target.dtype.kind == "f":
        absent = np.isnan(target)
    elif target.dtype.kind == "O":
        absent = np.array([value is None or value != value for value in target.flat], dtype=bool)
    return np.logical_or.reduce(absent.reshape(len(target), -1), axis=1)  # type: ignore[no-any-return]
