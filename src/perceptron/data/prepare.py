"""From a data set to a table of features and labels whose rows are split."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron.data.columns.column_table import ColumnTable
from perceptron.data.columns.missing_texts import MISSING_TEXTS, Missing, missing_texts
from perceptron.data.conform import conform
from perceptron.data.group_splits import split_columns
from perceptron.data.number_table import as_table
from perceptron.data.sources.sklearn_datasets import read
from perceptron.data.sources.table_files import TableFiles
from perceptron.data.splits import Split, split_rows
from perceptron.data.table import Table, TableSchema
from perceptron.data.target import dropped_rows, unknown_targets
from perceptron.errors import UsageError, missing_extra
from perceptron.tasks import REGRESSION

log = logging.getLogger(__name__)
Dataset = Callable[[], Any] | TableFiles


@dataclass(frozen=True, kw_only=True)
class CellSettings:
    """How cells of any kind are read; settings of ``TableDataModule``.

    Attributes:
        missing: more texts that mean a missing value.
        not_missing: texts that are values though they usually mean a missing one.
        date_format: how dates are written, in all columns or by column; None to detect it.
        missing_target: ``refuse`` or ``drop`` rows without a target.
    """

    missing: tuple[Any, ...] = ()
    not_missing: tuple[Any, ...] = ()
    date_format: str | Mapping[str, str | None] | None = None
    missing_target: str = "refuse"

    def texts(self, known: TableSchema | None) -> Missing:
        """Texts that mean a missing value: those that a model was trained with, if there is one."""
        if known is None or not known.encoding:
            return Missing(texts=missing_texts(self.missing, self.not_missing))
        from perceptron.data.columns.encoding import from_texts

        codes = from_texts(known.encoding)
        values = {code["column"]: code["values"] for code in codes if "values" in code}
        return Missing(
            texts=tuple(codes[0].get("missing_texts", MISSING_TEXTS)),
            known=values | dict.fromkeys(known.target_names, known.class_names),
        )


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A table whose rows are split.

    Attributes:
        table: features and labels, not standardised.
        split: of its rows.
        measured: ``(n_features,)`` which features are numbers to be standardised; None for all.
        report: see ``perceptron.data.data_report``; None for a table of numbers, or if no report was asked for.
    """

    table: Table
    split: Split
    measured: npt.NDArray[np.bool_] | None = None
    report: dict[str, Any] | None = None


def prepare(
    dataset: Dataset,
    *,
    cells: CellSettings,
    task: str,
    known: TableSchema | None,
    looks: bool,
    settings: Mapping[str, Any],
) -> Prepared:
    """Read a data set, split its rows, and encode its columns if they are not all numbers.

    Args:
        dataset: as ``TableDataModule`` takes it.
        cells: how its cells are read.
        task: name of the task, or ``auto``.
        known: schema of the trained model that the data is for; None to fit how columns become features.
        looks: whether to make a report of a table of columns of any kind.
        settings: of the split, see ``split_rows``.

    Raises:
        UsageError: if the data is not as required.
    """
    table = read_table(dataset, cells=cells, task=task, known=known)
    if isinstance(table, ColumnTable):
        return _prepare_columns(table, cells, _classes(task, known), known, looks, settings)
    labels = None if table.schema.task == REGRESSION.name else table.target
    split = split_rows(len(table), labels=labels, class_names=table.schema.class_names, **settings)
    return Prepared(table=table if known is None else conform(table, None, known), split=split)


def read_table(
    dataset: Dataset, *, cells: CellSettings, task: str, known: TableSchema | None = None
) -> ColumnTable | Table:
    """Read a data set: what ``prepare`` splits, without rows whose target is missing.

    A function that returns the result is a data set too: several data modules can share what is read once.

    Args:
        dataset: see ``prepare`` for this and the other arguments.
        cells: see there.
        task: see there.
        known: see there.

    Raises:
        UsageError: if the data is not as required.
    """
    raw = _read(dataset, cells, cells.texts(known))
    if isinstance(raw, ColumnTable):
        return _with_known_targets(raw, dataset, cells)
    return as_table(raw, **_classes(task, known), missing_target=cells.missing_target, known=known)


def read_frame(dataset: Dataset, *, cells: CellSettings, known: TableSchema | None) -> Any:
    """DataFrame of the columns of any kind, before they are encoded, with null for missing values."""
    columns = _read(dataset, cells, cells.texts(known))
    assert isinstance(columns, ColumnTable)  # noqa: S101
    return columns.frame


def _read(dataset: Dataset, cells: CellSettings, missing: Missing) -> Any:
    """A ``ColumnTable`` if columns are of any kind, else what the data set's function returns."""
    # pandas is an extra and slow to import: only what reads or holds a DataFrame imports it.
    if not isinstance(dataset, TableFiles):
        return _columns_if_any(read(dataset), missing)
    try:
        import pandas as pd
        import pyarrow as pa

        _ = pd, pa
    except ImportError as error:
        raise missing_extra("data=table needs pandas and pyarrow", "table") from error
    from perceptron.data.sources.column_roles import read_columns

    return read_columns(dataset, missing=missing, date_format=cells.date_format)


def _columns_if_any(raw: Any, missing: Missing) -> Any:
    features = raw[0] if isinstance(raw, tuple) and len(raw) == 2 else getattr(raw, "data", None)
    if not hasattr(features, "columns"):
        return raw
    from perceptron.data.sources.bunches import columns_of_bunch

    return columns_of_bunch(raw, missing)


def _with_known_targets(columns: ColumnTable, dataset: Dataset, cells: CellSettings) -> ColumnTable:
    """The rows whose target is known.

    Raises:
        UsageError: if rows without a target are to be refused.
    """
    absent = columns.unknown_targets
    if not absent.any():
        return columns
    if cells.missing_target == "drop":
        log.warning("%s", dropped_rows(int(absent.sum()), len(absent)))
        return columns.take(~absent)
    from perceptron.data.columns.missing_values import quote_missing
    from perceptron.data.sources.column_roles import unread_targets

    if isinstance(dataset, TableFiles):
        why = quote_missing(unread_targets(dataset), absent)
    else:
        found = _columns_if_any(read(dataset), Missing(texts=()))
        why = quote_missing(found.target, absent) if isinstance(found, ColumnTable) else ""
    raise UsageError(unknown_targets(int(absent.sum()), why))


def _classes(task: str, known: TableSchema | None) -> dict[str, Any]:
    """The task and, for data that a trained model is for, its classes: arguments of both kinds of table."""
    return {"task": task} if known is None else {"task": known.task, "classes": known.class_names}


def _prepare_columns(
    columns: ColumnTable,
    cells: CellSettings,
    classes: Mapping[str, Any],
    known: TableSchema | None,
    looks: bool,
    settings: Mapping[str, Any],
) -> Prepared:
    from perceptron.data.columns.encoded_table import encode_table
    from perceptron.data.columns.encoding import from_texts, is_measured
    from perceptron.data.columns.target_columns import table_of_targets

    table = table_of_targets(columns, **classes)
    labels = None if table.schema.task == REGRESSION.name else table.target
    split = split_columns(columns, labels, class_names=table.schema.class_names, **settings)
    if known is None:
        table = encode_table(columns, table, split.train, missing=cells.texts(known), date_format=cells.date_format)
    else:
        table = conform(table, columns.frame, known)
    report = None
    if looks:
        # It imports scikit-learn's trees.
        from perceptron.data.data_report import data_report

        report = data_report(columns, table, split)
    codes = from_texts(table.schema.encoding)
    return Prepared(table=table, split=split, measured=is_measured(codes) if codes else None, report=report)
