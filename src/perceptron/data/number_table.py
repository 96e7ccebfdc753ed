"""Tables of numbers: arrays, sparse matrices and what functions of ``sklearn.datasets`` return."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils import Bunch

from perceptron.data.blocks import is_mapped, release
from perceptron.data.offsets import in_single, move, subtracted
from perceptron.data.table import FloatArray, Table, TableSchema
from perceptron.data.target import (
    FoundTask,
    as_columns,
    dropped_rows,
    labels_of,
    missing_rows,
    task_of,
    unknown_targets,
)
from perceptron.errors import UsageError
from perceptron.tasks import BINARY, REGRESSION

log = logging.getLogger(__name__)
_ROWS_AT_ONCE = 65536
_MOST_BYTES = 2**30


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
        raw: a ``Bunch`` with ``data`` and ``target``, or a pair of arrays ``(features, target)``, whose features may
            be sparse. A ``Table`` is returned unchanged.
        task: name of the task; ``auto`` to derive it from the target, see ``perceptron.data.target.task_of``.
        classes: names of the classes of a trained model, in the order of its labels; empty to derive them from the
            target.
        missing_target: ``refuse``, or ``drop`` to leave out rows without a target, in memory.
        known: schema whose offsets are used if it has as many columns; None to choose offsets.

    Raises:
        UsageError: if the value is not a table with a target, a feature is not a finite number, or the target is
            missing in a row or does not suit the task or the classes.
    """
    if isinstance(raw, Table):
        return raw
    features, target = _features_and_target(raw)
    names = getattr(raw, "feature_names", getattr(features, "columns", None))
    values = numeric(features)
    target = as_columns(target, task=task)
    if len(values) != len(target) or len(values) == 0:
        raise UsageError(
            f"a table needs as many targets as rows and at least one row, got {len(values)} rows and "
            f"{len(target)} targets; choose another data.dataset"
        )
    if (absent := missing_rows(target)).any():
        if missing_target != "drop" or is_mapped(values):
            raise UsageError(unknown_targets(int(absent.sum())))
        log.warning("%s", dropped_rows(int(absent.sum()), len(target)))
        values, target = values[~absent], target[~absent]
    if target.dtype == object:
        # Missing values had made the array one of objects.
        target = np.array(target.tolist())
    names_of_targets = getattr(raw, "target_names", None)
    found = task_of(target, names=names_of_targets) if task == "auto" else FoundTask(task, "")
    task = found.task
    feature_names = _names(names, values.shape[1], "x")
    # A reader of files that do not fit into memory has already subtracted offsets.
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
    labels, class_names = labels_of(target, names=names_of_targets, known=classes)
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


def check_dense_size(n_rows: int, n_columns: int) -> None:
    """Refuse a sparse table that takes too much memory as a dense one.

    Raises:
        UsageError: above 1 GiB.
    """
    size = n_rows * n_columns * np.dtype(np.float32).itemsize
    if size > _MOST_BYTES:
        raise UsageError(
            f"a sparse table must take at most 1 GiB with its zeros, got {size / 2**30:.1f} GiB of {n_rows} rows and "
            f"{n_columns} columns; choose a table with fewer columns"
        )


def numeric(values: Any) -> npt.NDArray[Any]:
    """A dense array ``(n_rows, n_columns)`` of the same numeric type, float64 for other types.

    Raises:
        UsageError: if a value is not a number that is finite in float32, or the table is too large.
    """
    if sparse.issparse(values):
        check_dense_size(*values.shape)
        values = values.toarray()
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"features must be numbers, got {error}; encode or leave out such columns") from error
    if array.ndim != 2:
        raise UsageError(f"features must be a table of rows and columns, got {array.ndim} dimensions")
    # In parts: the array of truths takes a quarter of the table's memory.
    for start in range(0, len(array), _ROWS_AT_ONCE):
        with np.errstate(over="ignore"):
            finite = np.isfinite(array[start : start + _ROWS_AT_ONCE].astype(np.float32, copy=False))
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise UsageError(
                f"every value must be finite in float32, got {array[start + row, column]} in row {start + row}, "
                f"column {column}; fill or leave out missing values"
            )
        release(array)
    return array


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
        values: of the columns, less ``own`` offsets if they have some; such values are changed in place.
        names: one per column.
        own: offsets that are already subtracted; empty for none.
        known: offsets to use; None to keep ``own`` or choose some.
    """
    if own:
        offsets = tuple(own if known is None else known)
        move(values, offsets=own, to=offsets)
        return values, offsets
    return in_single(values, names) if known is None else (subtracted(values, known), tuple(known))


def _names(names: Sequence[Any] | None, count: int, prefix: str) -> tuple[str, ...]:
    if names is not None and not isinstance(names, str) and len(names) == count:
        return tuple(str(name) for name in names)
    return tuple(f"{prefix}{i}" for i in range(count))
