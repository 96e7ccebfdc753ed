"""A table in memory: features, a target, and what their columns mean."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils import Bunch

from perceptron.data.blocks import is_mapped
from perceptron.data.numeric import numeric
from perceptron.data.offsets import in_single, move, subtracted
from perceptron.data.target import FoundTask, gaps, task_of
from perceptron.errors import UsageError
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION, Task

log = logging.getLogger(__name__)
FloatArray = npt.NDArray[np.float32]
RowNumbers = npt.NDArray[np.int64]
_SEVERAL_LABELS = (
    "a target must be one class a row or continuous, got {} labels a row; "
    "choose another data.dataset, or data.task=regression for continuous targets"
)


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """What a model must know of the data, in plain values.

    Attributes:
        task: name of the kind of task, a key of ``perceptron.tasks.TASKS``.
        feature_names: one name per feature.
        class_names: one name per class in the order of the labels; empty for regression.
        target_names: one name per target column.
        encoding: how raw columns become features, a text each, see ``perceptron.data.encoding``; empty where the
            features are the columns.
        feature_offsets: what is subtracted from each feature before it becomes float32, see
            ``perceptron.data.offsets``; empty for nothing.
        target_offsets: the same of each column of a continuous target.
    """

    task: str
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    target_names: tuple[str, ...]
    encoding: tuple[str, ...] = ()
    feature_offsets: tuple[float, ...] = ()
    target_offsets: tuple[float, ...] = ()

    @property
    def n_features(self) -> int:
        """Number of columns that a network reads."""
        return len(self.feature_names)

    @property
    def n_targets(self) -> int:
        """Number of columns to be learnt."""
        return len(self.target_names)

    def n_outputs(self, task: Task) -> int:
        """Number of values a network gives per row for a task: one logit, a logit per class, or a value per target."""
        return {BINARY: 1, MULTICLASS: len(self.class_names), REGRESSION: len(self.target_names)}[task]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Features and target as arrays.

    Attributes:
        features: ``(n_rows, n_features)`` float32 (or float64, to be computed with in double precision), less the
            schema's offsets.
        target: ``(n_rows,)`` int64 labels for classes, ``(n_rows, n_targets)`` of the features' type for regression,
            less the schema's offsets.
        schema: what the columns mean.
        weights: ``(n_rows,)`` of the features' type, at least 0: how much a row counts in training; None for all alike.
        task_reason: why the target was taken for the task, to stand behind "the target"; empty where it was said.
    """

    features: npt.NDArray[Any]
    target: npt.NDArray[Any]
    schema: TableSchema
    weights: npt.NDArray[Any] | None = None
    task_reason: str = ""

    def __len__(self) -> int:
        return len(self.features)


def as_table(
    raw: Any,
    *,
    task: str = "auto",
    classes: Sequence[str] = (),
    missing_target: str = "refuse",
    known: TableSchema | None = None,
) -> Table:
    """Table of what a function of ``sklearn.datasets`` returns.

    Args:
        raw: a ``Bunch`` with ``data`` and ``target``, or a pair of arrays ``(features, target)``, where features may be
            sparse; a ``Table`` as it is.
        task: name of the task; ``auto`` reads it off the target, see ``perceptron.data.target.task_of``.
        classes: names of the classes that a model knows, whose labels are given then; empty to read them off the
            target.
        missing_target: ``refuse``, or ``drop`` to leave out rows without a target, in memory.
        known: whose offsets are taken, where it has as many columns; None to choose them.

    Raises:
        UsageError: where the value is no table with a target, the target is unknown in a row, it holds values that
            are no finite numbers, or does not suit the task or the classes.
    """
    if isinstance(raw, Table):
        return raw
    features, target = _features_and_target(raw)
    names = getattr(raw, "feature_names", getattr(features, "columns", None))
    values = numeric(features)
    target = _target(target, task)
    if len(values) != len(target) or len(values) == 0:
        raise UsageError(
            f"a table needs as many targets as rows and at least one row, got {len(values)} rows and "
            f"{len(target)} targets; choose another data.dataset"
        )
    if (absent := gaps(target)).any():
        if missing_target != "drop" or is_mapped(values):
            raise UsageError(unknown_targets(int(absent.sum())))
        log.warning("%s", dropped_rows(int(absent.sum()), len(target)))
        values, target = values[~absent], target[~absent]
    if target.dtype == object:
        # What the gaps made objects of.
        target = np.array(target.tolist())
    names_of_targets = getattr(raw, "target_names", None)
    found = task_of(target, names=names_of_targets) if task == "auto" else FoundTask(task, "")
    task = found.task
    feature_names = _names(names, values.shape[1], "x")
    # Those of a reader that has subtracted them from what does not fit into memory.
    own = getattr(raw, "feature_offsets", ())
    known_offsets = None if known is None or known.n_features != len(feature_names) else known.feature_offsets
    features, feature_offsets = _single(values, feature_names, own, known_offsets)
    if task == REGRESSION.name:
        columns = numeric(target.reshape(len(target), -1))
        target_names = _names(names_of_targets, columns.shape[1], "y")
        known_offsets = None if known is None or known.n_targets != len(target_names) else known.target_offsets
        columns, target_offsets = _single(columns, target_names, (), known_offsets)
        schema = TableSchema(
            task=task,
            feature_names=feature_names,
            class_names=(),
            target_names=target_names,
            feature_offsets=feature_offsets,
            target_offsets=target_offsets,
        )
        return Table(features=features, target=columns, schema=schema, task_reason=found.reason)
    labels, class_names = _labels(target, names_of_targets, classes)
    if task == BINARY.name and len(class_names) != 2:
        raise UsageError(
            f"data.task=binary needs two classes, got {len(class_names)}; set data.task=auto or multiclass"
        )
    schema = TableSchema(
        task=task,
        feature_names=feature_names,
        class_names=class_names,
        target_names=("target",),
        feature_offsets=feature_offsets,
    )
    return Table(features=features, target=labels, schema=schema, task_reason=found.reason)


def unknown_targets(count: int, why: str = "") -> str:
    """Message for a target that is unknown in some rows.

    Args:
        count: of these rows.
        why: what their cells hold, where that is known.
    """
    return (
        f"the target must be known in every row, got {count} {'row' if count == 1 else 'rows'} without{why}; set "
        "data.missing_target=drop to leave such rows out"
    )


def dropped_rows(count: int, of: int) -> str:
    """What to say of rows that are left out for want of a target."""
    return f"data.missing_target=drop leaves out {count} of {of} rows, whose target is unknown"


def _features_and_target(raw: Any) -> tuple[Any, Any]:
    if isinstance(raw, tuple) and len(raw) == 2:
        return raw
    for features, target in (("data", "target"), ("X", "y")):
        if hasattr(raw, features) and getattr(raw, target, None) is not None:
            return getattr(raw, features), getattr(raw, target)
    found = f"a Bunch of {', '.join(raw)}" if isinstance(raw, Bunch) else type(raw).__name__
    raise UsageError(
        "data.dataset must give a table and a target (a Bunch with data and target, or a pair of arrays), "
        f"got {found}; choose a load_*, fetch_* or make_* function of sklearn.datasets that does"
    )


def _single(
    values: npt.NDArray[Any], names: Sequence[str], own: Sequence[float], known: Sequence[float] | None
) -> tuple[FloatArray, tuple[float, ...]]:
    """Columns in float32 less their offsets, and these.

    Args:
        values: already less their own offsets, where they have some; then they are the reader's own memory.
        names: one per column.
        own: see there.
        known: offsets to take; None to keep the own or choose some.
    """
    if own:
        offsets = tuple(own if known is None else known)
        move(values, offsets=own, to=offsets)
        return values, offsets
    return in_single(values, names) if known is None else (subtracted(values, known), tuple(known))


def _target(target: Any, task: str) -> npt.NDArray[Any]:
    """Target as an array of one column, or of several continuous ones."""
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


def _labels(
    target: npt.NDArray[Any], names: Sequence[Any] | None, known: Sequence[str]
) -> tuple[RowNumbers, tuple[str, ...]]:
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
        # The same names whether a file had them as 5 or 5.0.
        classes = classes.astype(np.int64)
    found = tuple(str(name) for name in (names if named else classes))  # type: ignore[union-attr]
    if not known or found == tuple(known):
        return labels.astype(np.int64, copy=False), found
    # A number is the same class whether a file had it as 5 or 5.0.
    places = {_as_number(name): place for place, name in enumerate(known)} | {n: i for i, n in enumerate(known)}
    own = [places.get(name, places.get(_as_number(name), -1)) for name in found]
    if -1 in own:
        shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
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


def _names(names: Sequence[Any] | None, count: int, prefix: str) -> tuple[str, ...]:
    if names is not None and not isinstance(names, str) and len(names) == count:
        return tuple(str(name) for name in names)
    return tuple(f"{prefix}{i}" for i in range(count))
