"""A table as it was found: columns of any kind, which become features once the training rows are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import Bunch

from perceptron.data.cells import check_cells, without_padding
from perceptron.data.encoding import (
    MOST_CATEGORIES,
    as_texts,
    encode,
    encoded_names,
    fit_encoding,
    is_measured,
    kind_of,
)
from perceptron.data.group_splits import split_given, split_groups, split_time
from perceptron.data.offsets import TOO_CLOSE, choose_offsets, report_merged, subtracted
from perceptron.data.splits import Split, split_rows
from perceptron.data.table import RowNumbers, Table, TableSchema, as_table, check_dense_size
from perceptron.errors import UsageError
from perceptron.tasks import REGRESSION

# More distinct whole numbers than this in a target are quantities, not classes.
_MOST_CLASSES = 20


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Columns of a file or of a DataFrame.

    Attributes:
        frame: columns of the features, of any kind.
        target: ``(n_rows,)``, or a DataFrame of several continuous targets.
        weights: ``(n_rows,)`` how much a row counts in training; None for all alike.
        groups: ``(n_rows,)`` rows of a group are never on two sides of a split; None for no groups.
        time: ``(n_rows,)`` order in time: training rows before validation rows before test rows; None for no order.
        is_test: ``(n_rows,)`` which rows are the test; None to draw them.
        most_categories: categories of a column with a feature of their own.
    """

    frame: pd.DataFrame
    target: Any
    weights: npt.NDArray[np.float32] | None = None
    groups: npt.NDArray[Any] | None = None
    time: npt.NDArray[Any] | None = None
    is_test: npt.NDArray[np.bool_] | None = None
    most_categories: int = MOST_CATEGORIES

    def labelled(self, *, task: str, classes: Sequence[str] = (), known: TableSchema | None = None) -> Table:
        """Table of the target, without features yet; see ``as_table`` for the arguments.

        Raises:
            UsageError: where the target is missing in a row or does not suit the task, or cells hold what they must
                not.
        """
        target = without_padding(pd.DataFrame(self.target))
        for part in (target, self.frame):
            check_cells(part)
        if target.isna().to_numpy().any():
            raise UsageError(
                f"the target must be known in every row, got {int(target.isna().any(axis=1).sum())} rows without; "
                "leave such rows out"
            )
        name = ", ".join(str(column) for column in target.columns)
        found = _task_of(target) if task == "auto" else task
        values: Any = target.to_numpy() if target.shape[1] > 1 else target.iloc[:, 0].to_numpy()
        if found == REGRESSION.name:
            try:
                values = target.astype(float).to_numpy()
            except (TypeError, ValueError) as error:
                raise UsageError(
                    f"target {name} must be numbers for data.task=regression, got {error}; leave data.task out"
                ) from error
        elif target.shape[1] > 1:
            raise UsageError(f"several targets must be continuous, got data.task={found} for {name}; name one target")
        elif values.dtype != bool and not np.issubdtype(values.dtype, np.number):
            values = values.astype(str)
        names = tuple(str(column) for column in target.columns)
        columns = np.empty((len(target), 0))
        # A Bunch of classes has their names for those of its targets.
        named = (
            Bunch(data=columns, target=values, target_names=names) if found == REGRESSION.name else (columns, values)
        )
        table = as_table(named, task=found, classes=classes, known=known)
        return replace(table, weights=self.weights, schema=replace(table.schema, target_names=names))

    def split(
        self,
        labels: npt.NDArray[np.int64] | None,
        *,
        val_fraction: float,
        test_fraction: float,
        split_seed: int,
        folds: int | None,
        fold: int | None,
    ) -> Split:
        """Which rows are in which split; see ``split_rows`` for the arguments.

        Raises:
            UsageError: where groups, time, folds and given test rows exclude each other, or too few rows are left.
        """
        if self.time is not None and (self.groups is not None or self.is_test is not None or folds is not None):
            raise UsageError(
                "data.time splits alone, got data.group, data.test_path or data.folds beside it; leave it or them out"
            )
        if self.is_test is not None and folds is not None:
            raise UsageError("data.test_path and data.folds both name test rows, got both; leave one out")
        if self.time is not None:
            return split_time(self.time, val_fraction=val_fraction, test_fraction=test_fraction)
        if self.is_test is not None:
            return split_given(
                self.is_test, labels=labels, groups=self.groups, val_fraction=val_fraction, split_seed=split_seed
            )
        fractions = {"val_fraction": val_fraction, "test_fraction": test_fraction, "split_seed": split_seed}
        if self.groups is not None:
            return split_groups(self.groups, **fractions, folds=folds, fold=fold)  # type: ignore[arg-type]
        return split_rows(len(self.frame), labels=labels, **fractions, folds=folds, fold=fold)  # type: ignore[arg-type]

    def encoded(self, table: Table, train: RowNumbers) -> Table:
        """The table with features, by codes fitted on the training rows alone.

        Raises:
            UsageError: where no column varies over them, or a row holds what its column cannot be.
        """
        codes = fit_encoding(self.frame.iloc[train], most=self.most_categories)
        if not codes:
            raise UsageError(
                "a table needs a column that varies over the training rows and that rows share values of, got none "
                f"of {', '.join(map(str, self.frame.columns)) or 'no columns'}; choose other data.features"
            )
        names, values = encoded_names(codes), encode(self.frame, codes)
        offsets = choose_offsets(values, rows=train, columns=is_measured(codes))
        features = subtracted(values, offsets)
        report_merged(values, features, names, advice=TOO_CLOSE)
        schema = replace(table.schema, feature_names=names, encoding=as_texts(codes), feature_offsets=offsets)
        return replace(table, features=features, schema=schema)


def _task_of(target: pd.DataFrame) -> str:
    """Name of the task that a target suits.

    Two values are two classes; several columns, numbers with a fraction, or more than twenty whole numbers are a
    regression; all else are classes.

    Raises:
        UsageError: for texts that are nearly all different, which are neither.
    """
    if target.shape[1] > 1:
        return "regression"
    column = target.iloc[:, 0]
    distinct = column.nunique()
    if distinct == 2:
        return "binary"
    if kind_of(column) == "number":
        numbers = pd.to_numeric(column).astype(float)
        return "regression" if distinct > _MOST_CLASSES or (numbers % 1 != 0).any() else "multiclass"
    if distinct > max(_MOST_CLASSES, len(column) / 2):
        raise UsageError(
            f"a target must be classes or numbers, got {distinct} different texts in {len(column)} rows of "
            f"{column.name}; name another data.target"
        )
    return "multiclass"


def raw_of_bunch(raw: Any) -> Any:
    """A ``RawTable`` of a ``Bunch`` or pair with a DataFrame of other than complete numbers; all else as it is."""
    pair = (
        raw if isinstance(raw, tuple) and len(raw) == 2 else (getattr(raw, "data", None), getattr(raw, "target", None))
    )
    frame: Any = pair[0]
    target: Any = pair[1]
    if not isinstance(frame, pd.DataFrame) or target is None:
        return raw
    if any(isinstance(kind, pd.SparseDtype) for kind in frame.dtypes):
        check_dense_size(*frame.shape)
        frame = pd.DataFrame({name: np.asarray(frame[name]) for name in frame.columns})
    frame = _told_apart(frame)
    target = _told_apart(pd.DataFrame(target))
    raw = Bunch(**(raw | {"data": frame, "target": target})) if isinstance(raw, Bunch) else (frame, target)
    is_plain = all(pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes) and not frame.isna().any(axis=None)
    if is_plain and not _holds_texts(target):
        return raw
    return RawTable(frame=frame.reset_index(drop=True), target=target.reset_index(drop=True))


def _told_apart(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of Python's objects as numbers where they are, and bytes, as fetch_kddcup99 has them, as texts."""
    if not any(kind == object for kind in frame.dtypes):  # noqa: E721
        return frame
    return frame.infer_objects().map(
        lambda value: str(value, "utf-8", "replace") if isinstance(value, bytes) else value
    )


def _holds_texts(target: Any) -> bool:
    return any(not pd.api.types.is_numeric_dtype(kind) for kind in pd.DataFrame(target).dtypes)
