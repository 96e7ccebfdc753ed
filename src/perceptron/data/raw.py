"""A table as it was found: columns of any kind, which become features once the training rows are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils import Bunch

from perceptron.data.cells import check_cells, mixed_number, without_padding
from perceptron.data.dates import DateForms
from perceptron.data.encoding import MOST_CATEGORIES, as_texts, encode, encoded_names, fit_encoding, is_measured
from perceptron.data.group_splits import split_given, split_groups, split_time
from perceptron.data.kinds import kind_without_dates, numbers_of
from perceptron.data.missing import Missing, as_setting
from perceptron.data.numeric import check_dense_size, numeric
from perceptron.data.offsets import in_single
from perceptron.data.splits import Split, split_rows
from perceptron.data.table import RowNumbers, Table, TableSchema, as_table
from perceptron.data.target import MOST_CLASSES, FoundTask, task_of
from perceptron.errors import UsageError
from perceptron.tasks import REGRESSION


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Columns of a file or of a DataFrame, whose missing values are null, whatever text stood for them.

    Attributes:
        frame: columns of the features, of any kind; its index names the rows in messages.
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

    def taken(self, rows: npt.NDArray[np.bool_]) -> "RawTable":
        """Some of the rows.

        Args:
            rows: ``(n_rows,)`` which.
        """
        return replace(
            self,
            frame=self.frame[rows],
            target=self.target[rows],
            weights=None if self.weights is None else self.weights[rows],
            groups=None if self.groups is None else self.groups[rows],
            time=None if self.time is None else self.time[rows],
            is_test=None if self.is_test is None else self.is_test[rows],
        )

    @property
    def unknown_targets(self) -> npt.NDArray[np.bool_]:
        """``(n_rows,)`` which rows miss a target."""
        absent: npt.NDArray[np.bool_] = pd.DataFrame(self.target).isna().any(axis=1).to_numpy()
        return absent

    def labelled(self, *, task: str, classes: Sequence[str] = ()) -> Table:
        """Table of the target, which is known in every row, without features yet; see ``as_table`` for the arguments.

        A continuous target is in float64, for its offsets are chosen by the training rows.

        Raises:
            UsageError: where the target does not suit the task, or cells hold what they must not.
        """
        target = without_padding(pd.DataFrame(self.target))
        for part in (target, self.frame):
            check_cells(part)
        name = ", ".join(str(column) for column in target.columns)
        values = _values(target, classes)
        found = _task_of(target, values) if task == "auto" else FoundTask(task, "")
        if found.task == REGRESSION.name:
            try:
                values = target.astype(float).to_numpy()
            except (TypeError, ValueError) as error:
                first = next(filter(None, (mixed_number(target[column]) for column in target)), None)
                got = f"{first[1]!r} in row {first[0]}" if first else str(error)
                raise UsageError(
                    f"target {name} must be numbers for data.task=regression, got {got}; leave data.task out"
                    + (
                        f", or set 'data.missing=[{as_setting(first[1])}]' and data.missing_target=drop"
                        if first
                        else ""
                    )
                ) from error
        elif target.shape[1] > 1:
            raise UsageError(
                f"several targets must be continuous, got data.task={found.task} for {name}; name one target"
            )
        names, columns = tuple(str(column) for column in target.columns), np.empty((len(target), 0))
        if found.task == REGRESSION.name:
            schema = TableSchema(task=found.task, feature_names=(), class_names=(), target_names=names)
            table = Table(features=columns, target=numeric(values), schema=schema)
        else:
            table = as_table((columns, values), task=found.task, classes=classes)
        schema = replace(table.schema, target_names=names)
        return replace(table, weights=self.weights, schema=schema, task_reason=found.reason)

    def split(
        self,
        labels: npt.NDArray[np.int64] | None,
        *,
        class_names: Sequence[str],
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
                self.is_test,
                labels=labels,
                class_names=class_names,
                groups=self.groups,
                val_fraction=val_fraction,
                split_seed=split_seed,
            )
        drawn: dict[str, Any] = {"test_fraction": test_fraction, "folds": folds, "fold": fold}
        drawn |= {"val_fraction": val_fraction, "split_seed": split_seed}
        if self.groups is not None:
            return split_groups(self.groups, **drawn)
        return split_rows(len(self.frame), labels=labels, class_names=class_names, **drawn)

    def encoded(self, table: Table, train: RowNumbers, *, missing: Missing, forms: DateForms) -> Table:
        """The table with features, by codes fitted on the training rows alone.

        Args:
            table: of the targets.
            train: numbers of the training rows.
            missing: texts that mean a missing value.
            forms: how dates are written.

        Raises:
            UsageError: where no column varies over them, or a row holds what its column cannot be.
        """
        codes = fit_encoding(self.frame.iloc[train], most=self.most_categories, missing=missing.texts, forms=forms)
        if not codes:
            raise UsageError(
                "a table needs a column that varies over the training rows and that rows share values of, got none "
                f"of {', '.join(map(str, self.frame.columns)) or 'no columns'}; choose other data.features"
            )
        names, values = encoded_names(codes), encode(self.frame, codes)
        features, feature_offsets = in_single(values, names, rows=train, columns=is_measured(codes))
        target = table.target
        target_offsets: tuple[float, ...] = ()
        if table.schema.task == REGRESSION.name:
            target, target_offsets = in_single(target, table.schema.target_names, rows=train)
        schema = replace(
            table.schema,
            feature_names=names,
            encoding=as_texts(codes),
            feature_offsets=feature_offsets,
            target_offsets=target_offsets,
        )
        return replace(table, features=features, target=target, schema=schema)


def _values(target: pd.DataFrame, known: Sequence[str] = ()) -> npt.NDArray[Any]:
    """``(n_rows,)`` or ``(n_rows, n_targets)``: numbers, also those that were read as texts, truths, or texts.

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
        UsageError: for texts that are nearly all different, which are neither classes nor numbers.
    """
    found = task_of(values)
    column = target.iloc[:, 0]
    distinct = column.nunique()
    if values.ndim == 1 and values.dtype.kind == "U" and distinct > max(MOST_CLASSES, len(column) / 2):
        mixed = mixed_number(column)
        if mixed is not None:
            row, text, count = mixed
            raise UsageError(
                f"a target must be classes or numbers, got {text!r} in row {row} of {column.name}, though {count} of "
                f"{len(column)} values are numbers; mend it, or {_leaves_out(text)}"
            )
        raise UsageError(
            f"a target must be classes or numbers, got {distinct} different texts in {len(column)} rows of "
            f"{column.name}; name another data.target"
        )
    return found


def _leaves_out(text: str) -> str:
    return f"set 'data.missing=[{as_setting(text)}]' and data.missing_target=drop"


def raw_of_bunch(raw: Any, missing: Missing) -> Any:
    """A ``RawTable`` of a ``Bunch`` or pair with a DataFrame of other than complete numbers; all else as it is.

    Args:
        raw: what a data set's function returned.
        missing: texts that mean a missing value.
    """
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
    frame = missing.left_out(_told_apart(frame))
    target = missing.left_out(_told_apart(pd.DataFrame(target)))
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
