"""Target columns of any kind as labels or continuous values."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perceptron.data.columns.column_table import ColumnTable
from perceptron.data.columns.kinds import kind_without_dates, numbers_of
from perceptron.data.columns.missing_texts import as_setting
from perceptron.data.columns.number_texts import check_cells, mixed_number, without_leading_zeros
from perceptron.data.number_table import as_table, numeric
from perceptron.data.table import Table, TableSchema
from perceptron.data.target import MOST_CLASSES, FoundTask, task_of
from perceptron.errors import UsageError
from perceptron.tasks import REGRESSION


def table_of_targets(columns: ColumnTable, *, task: str, classes: Sequence[str] = ()) -> Table:
    """Table of the target, known in every row, without features yet.

    A continuous target stays in float64, because its offsets depend on the training rows.

    Args:
        columns: of which the target is taken.
        task: see ``as_table``.
        classes: see ``as_table``.

    Raises:
        UsageError: if the target does not suit the task, or a cell holds what it must not.
    """
    target = without_leading_zeros(columns.target)
    for part in (target, columns.frame):
        check_cells(part)
    names = tuple(str(column) for column in target.columns)
    values = _values(target, classes)
    found = _task_of(target, values) if task == "auto" else FoundTask(task, "")
    no_features = np.empty((len(target), 0))
    if found.task == REGRESSION.name:
        schema = TableSchema(task=found.task, feature_names=(), class_names=(), target_names=names)
        table = Table(features=no_features, target=numeric(_continuous(target)), schema=schema)
    elif target.shape[1] > 1:
        raise UsageError(
            f"several targets must be continuous, got data.task={found.task} for {', '.join(names)}; name one target"
        )
    else:
        table = as_table((no_features, values), task=found.task, classes=classes)
    schema = replace(table.schema, target_names=names)
    return replace(table, weights=columns.weights, schema=schema, task_reason=found.reason)


def _continuous(target: pd.DataFrame) -> npt.NDArray[np.float64]:
    """``(n_rows, n_targets)``."""
    try:
        return target.astype(float).to_numpy()
    except (TypeError, ValueError) as error:
        first = next(filter(None, (mixed_number(target[column]) for column in target)), None)
        got = f"{first[1]!r} in row {first[0]}" if first else str(error)
        raise UsageError(
            f"target {', '.join(map(str, target.columns))} must be numbers for data.task=regression, got {got}; leave "
            "data.task out" + (f", or {_drop_rows_with(first[1])}" if first else "")
        ) from error


def _values(target: pd.DataFrame, known: Sequence[str] = ()) -> npt.NDArray[Any]:
    """``(n_rows,)`` or ``(n_rows, n_targets)``: numbers, including those that were read as texts; truths; or texts.

    Spaces around a text do not matter, as in the features, except in the ``known`` name of a model's class.
    """
    if target.shape[1] > 1:
        return target.to_numpy()
    column = target.iloc[:, 0]
    values: npt.NDArray[Any] = column.to_numpy()
    if kind_without_dates(column) == "number":
        return numbers_of(column, "number").to_numpy() if values.dtype == object else values
    if values.dtype == bool:
        return values
    return np.array([text if text in known else text.strip() for text in map(str, values)])


def _task_of(target: pd.DataFrame, values: npt.NDArray[Any]) -> FoundTask:
    """The task that a target suits.

    Raises:
        UsageError: for texts nearly all of which differ: they are neither classes nor numbers.
    """
    found = task_of(values)
    column = target.iloc[:, 0]
    distinct = column.nunique()
    if values.ndim == 1 and values.dtype.kind == "U" and distinct > max(MOST_CLASSES, len(column) / 2):
        if mixed := mixed_number(column):
            row, text, count = mixed
            raise UsageError(
                f"a target must be classes or numbers, got {text!r} in row {row} of {column.name}, though {count} of "
                f"{len(column)} values are numbers; mend it, or {_drop_rows_with(text)}"
            )
        raise UsageError(
            f"a target must be classes or numbers, got {distinct} different texts in {len(column)} rows of "
            f"{column.name}; name another data.target"
        )
    return found


def _drop_rows_with(text: str) -> str:
    return f"set 'data.missing=[{as_setting(text)}]' and data.missing_target=drop"
