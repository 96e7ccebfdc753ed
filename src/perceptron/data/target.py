"""Targets: the task that they suit, missing values, and the labels of classes.

The rules are the same for arrays, data sets of scikit-learn, DataFrames and files.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from perceptron.data.table import RowNumbers
from perceptron.errors import UsageError
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION

# More distinct whole numbers than this are quantities, unless they have names.
MOST_CLASSES = 20
# Classes that a message lists.
_MOST_NAMES = 12
_SEVERAL_LABELS = (
    "a target must be one class a row or continuous, got {} labels a row; "
    "choose another data.dataset, or data.task=regression for continuous targets"
)


class FoundTask(NamedTuple):
    """Name of the task that a target suits, and the reason, which continues "the target ..."."""

    task: str
    reason: str


def task_of(target: npt.NDArray[Any], *, names: Sequence[Any] | None = None) -> FoundTask:
    """The task that a target suits.

    Several columns are a regression; texts, truths and two distinct values of any kind are classes. For numbers, the
    values decide, not their type: numbers with a fraction, or more than twenty distinct whole numbers, are a
    regression; up to twenty whole numbers are classes, and so are more if each has one of the ``names``.

    Args:
        target: ``(n_rows,)`` or ``(n_rows, n_targets)``, known in every row.
        names: of the distinct values, if the source has some.
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


def missing_rows(target: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """``(n_rows,)`` which rows lack a target: those with None or NaN."""
    absent = np.zeros(target.shape, dtype=bool)
    if target.dtype.kind == "f":
        absent = np.isnan(target)
    elif target.dtype.kind == "O":
        absent = np.array([value is None or value != value for value in target.flat], dtype=bool)
    return np.logical_or.reduce(absent.reshape(len(target), -1), axis=1)  # type: ignore[no-any-return]


def unknown_targets(count: int, why: str = "") -> str:
    """Message for rows without a target.

    Args:
        count: number of these rows.
        why: what their cells hold, if that is known.
    """
    return (
        f"the target must be known in every row, got {count} {'row' if count == 1 else 'rows'} without{why}; set "
        "data.missing_target=drop to leave such rows out"
    )


def dropped_rows(count: int, of: int) -> str:
    """Message for rows that are left out because they lack a target."""
    return f"data.missing_target=drop leaves out {count} of {of} rows, whose target is unknown"


def as_columns(target: Any, *, task: str) -> npt.NDArray[Any]:
    """The target as an array ``(n_rows,)``, or ``(n_rows, n_targets)`` if it has several continuous columns.

    Args:
        target: any value that a data set has for its target.
        task: name of the task, or ``auto``.

    Raises:
        UsageError: if a row has several labels or no single value.
    """
    if sparse.issparse(target):
        raise UsageError(_SEVERAL_LABELS.format(target.shape[1]))
    try:
        values = np.asarray(target)
    except ValueError as error:
        raise UsageError(f"a target must be a value per row, got {error}; choose another data.dataset") from error
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim > 1 and task != REGRESSION.name:
        has_labels = values.dtype.kind in "biu" and set(np.unique(values)) <= {0, 1}
        if task != "auto" or has_labels or values.ndim > 2:
            raise UsageError(_SEVERAL_LABELS.format(values.shape[1]))
    if values.dtype.kind in "SO" and any(isinstance(value, bytes) for value in values.flat):
        values = np.array([str(value, "utf-8", "replace") for value in values.flat]).reshape(values.shape)
    return values


def labels_of(
    target: npt.NDArray[Any], *, names: Sequence[Any] | None, known: Sequence[str]
) -> tuple[RowNumbers, tuple[str, ...]]:
    """Labels ``(n_rows,)`` of the target's classes, and the names of the classes in the order of the labels.

    Args:
        target: ``(n_rows,)``, known in every row.
        names: of the distinct values, if the source has some.
        known: names of the classes that a model was trained on, whose labels are given; empty to number the classes.

    Raises:
        UsageError: if there are fewer than two classes, or one is not among the known ones.
    """
    if target.dtype.kind in "biu":
        # As np.unique's inverse, with a fifth of its memory.
        classes = np.unique(target)
        numbered = target.dtype == np.int64 and np.array_equal(classes, np.arange(len(classes)))
        labels = target if numbered else np.searchsorted(classes, target)
    else:
        classes, labels = np.unique(target, return_inverse=True)
    if len(classes) < 2 and not known:
        raise UsageError(
            f"a classification needs at least two classes, got only {str(classes[0])!r}; "
            "choose other data or data.task=regression"
        )
    named = names is not None and len(names) == len(classes)
    if classes.dtype.kind == "f" and not (classes % 1).any():
        # A file may hold 5 or 5.0: the name is the same.
        classes = classes.astype(np.int64)
    found = tuple(str(name) for name in (names if named else classes))  # type: ignore[union-attr]
    if not known or found == tuple(known):
        return labels.astype(np.int64, copy=False), found
    # So is the class.
    places = {_as_number(name): place for place, name in enumerate(known)} | {n: i for i, n in enumerate(known)}
    own = [places.get(name, places.get(_as_number(name), -1)) for name in found]
    if -1 in own:
        shown = ", ".join(known[:_MOST_NAMES]) + (", ..." if len(known) > _MOST_NAMES else "")
        raise UsageError(
            f"every class must be one that the model was trained on, which are {shown}, got {found[own.index(-1)]}; "
            "leave such rows out"
        )
    return np.array(own, dtype=np.int64)[labels], tuple(known)


def _as_number(name: str) -> str | float:
    try:
        return float(name)
    except ValueError:
        return name
