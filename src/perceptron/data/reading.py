"""From a data set to a table of features and labels whose rows are split."""

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from perceptron.data.fetching import read
from perceptron.data.frames import quoted_gaps, read_files, texts_of_gaps
from perceptron.data.known import as_known
from perceptron.data.missing import MISSING_TEXTS, Missing, missing_texts
from perceptron.data.splits import Split, split_rows
from perceptron.data.table import Table, TableSchema, as_table, dropped_rows, unknown_targets
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean
from perceptron.tasks import REGRESSION

if TYPE_CHECKING:
    from perceptron.data.raw import RawTable

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """How cells of any kind are read; settings of ``TableDataModule``.

    Attributes:
        missing: more texts that mean a missing value.
        not_missing: texts that are values though they usually mean a missing one.
        date_format: how dates are written, for all columns or by column; None to find it out.
        missing_target: ``refuse`` or ``drop`` rows without a target.
    """

    missing: tuple[Any, ...] = ()
    not_missing: tuple[Any, ...] = ()
    date_format: str | Mapping[str, str | None] | None = None
    missing_target: str = "refuse"

    def texts(self, known: TableSchema | None) -> Missing:
        """Texts that mean a missing value: those that a model was trained with, where there is one."""
        if known is None or not known.encoding:
            return Missing(texts=missing_texts(self.missing, self.not_missing))
        from perceptron.data.encoding import from_texts

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
        table: features and labels, raw.
        split: of its rows.
        measured: ``(n_features,)`` which features are numbers to be standardised; None for all.
        report: what stands out, see ``perceptron.data.report``; None for a table of numbers, and where nobody looked.
    """

    table: Table
    split: Split
    measured: npt.NDArray[np.bool_] | None = None
    report: dict[str, Any] | None = None


def prepare(
    dataset: Callable[[], Any],
    *,
    cells: Cells,
    task: str,
    known: TableSchema | None,
    looks: bool,
    settings: Mapping[str, Any],
) -> Prepared:
    """Read a data set.

    Args:
        dataset: as ``TableDataModule`` takes it.
        cells: how its cells are read.
        task: name of the task, or ``auto``.
        known: what a model knows; None to fit how columns become features.
        looks: whether to look for what stands out in a table of columns of any kind.
        settings: of the split, see ``split_rows``.

    Raises:
        UsageError: where the data is not what it must be.
    """
    raw, missing = _read(dataset, cells, known)
    classes: dict[str, Any] = {"task": task} if known is None else {"task": known.task, "classes": known.class_names}
    if _is_raw(raw):
        return _prepared(_with_targets(raw, dataset, cells), cells, missing, classes, known, looks, settings)
    table = as_table(raw, **classes, missing_target=cells.missing_target, known=known)
    labels = None if table.schema.task == REGRESSION.name else table.target
    split = split_rows(len(table), labels=labels, class_names=table.schema.class_names, **settings)
    return Prepared(table=table if known is None else as_known(table, None, known), split=split)


def read_frame(dataset: Callable[[], Any], *, cells: Cells, known: TableSchema | None) -> Any:
    """DataFrame of the columns as they were found, of any kind, with null for missing values."""
    return _read(dataset, cells, known)[0].frame


def _read(dataset: Callable[[], Any], cells: Cells, known: TableSchema | None) -> tuple[Any, Missing]:
    """A ``RawTable`` where columns are of any kind, else what the data set gives; and the texts it was read with."""
    missing = cells.texts(known)
    if isinstance(dataset, partial) and dataset.func is read_files:
        return dataset(missing=missing, date_format=cells.date_format), missing
    raw = read(dataset)
    # pandas is an extra and slow to import; where nobody has imported it, nobody has made a DataFrame.
    if "pandas" in sys.modules:
        from perceptron.data.raw import raw_of_bunch

        raw = raw_of_bunch(raw, missing)
    return raw, missing


def _is_raw(raw: Any) -> bool:
    if "pandas" not in sys.modules:
        return False
    from perceptron.data.raw import RawTable

    return isinstance(raw, RawTable)


def _with_targets(raw: "RawTable", dataset: Callable[[], Any], cells: Cells) -> "RawTable":
    """The rows whose target is known."""
    absent = raw.unknown_targets
    if not absent.any():
        return raw
    if cells.missing_target == "drop":
        log.warning("%s", dropped_rows(int(absent.sum()), len(absent)))
        return raw.taken(~absent)
    if isinstance(dataset, partial) and dataset.func is read_files:
        why = texts_of_gaps(absent, **dataset.keywords)
    else:
        from perceptron.data.raw import raw_of_bunch

        found = raw_of_bunch(read(dataset), Missing(texts=()))
        why = quoted_gaps(found.target, absent) if _is_raw(found) else ""
    raise UsageError(unknown_targets(int(absent.sum()), why))


def _prepared(
    raw: "RawTable",
    cells: Cells,
    missing: Missing,
    classes: Mapping[str, Any],
    known: TableSchema | None,
    looks: bool,
    settings: Mapping[str, Any],
) -> Prepared:
    from perceptron.data.dates import ISO, DateForms
    from perceptron.data.encoding import from_texts, is_measured

    table = raw.labelled(**classes)
    labels = None if table.schema.task == REGRESSION.name else table.target
    split = raw.split(labels, class_names=table.schema.class_names, **settings)
    if known is None:
        forms = DateForms.typed(cells.date_format)
        for name in forms.by_column or ():
            if name not in raw.frame.columns and raw.time is None:
                near = did_you_mean(name, map(str, raw.frame.columns), most=12)
                raise UsageError(f"data.date_format must name columns to learn from, got {name}, which is none; {near}")
        table = raw.encoded(table, split.train, missing=missing, forms=forms)
    else:
        table = as_known(table, raw.frame, known)
    codes = from_texts(table.schema.encoding)
    report = None
    if looks:
        # Here, because it imports scikit-learn's trees.
        from perceptron.data.report import data_report

        report = data_report(raw, table, split)
    found = {code.get("format", ISO) for code in codes if code["kind"] == "date"}
    if known is None and forms.of_all and raw.time is None and forms.of_all not in found:
        raise UsageError(
            f"data.date_format={forms.of_all} must be how all dates of a column are written, got no such column; leave "
            "it out, or name the column as in \"data.date_format={day: '%d/%m/%Y'}\" to see its first other value"
        )
    return Prepared(table=table, split=split, measured=is_measured(codes) if codes else None, report=report)
