"""The encoding step of a table: raw columns and the numbers of the training rows in, features out."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from perceptron.data.columns.column_table import ColumnTable
from perceptron.data.columns.dates import ISO, DateFormats
from perceptron.data.columns.encoding import Code, as_texts, encode, encoded_names, fit_encoding, is_measured
from perceptron.data.columns.missing_texts import Missing
from perceptron.data.columns.unseen_values import UnseenValues
from perceptron.data.offsets import in_single
from perceptron.data.table import RowNumbers, Table
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean
from perceptron.tasks import REGRESSION

log = logging.getLogger(__name__)
# Columns that a message lists if a name is misspelt.
_MOST_NAMES = 12


def encode_table(columns: ColumnTable, table: Table, train: RowNumbers, *, missing: Missing, date_format: Any) -> Table:
    """The table with features, by codes and offsets that are fitted on the training rows alone.

    Args:
        columns: of any kind.
        table: of their targets; a continuous target in float64, without offsets.
        train: numbers of the training rows.
        missing: texts that mean a missing value.
        date_format: setting of ``TableDataModule``.

    Raises:
        UsageError: if no column varies over the training rows, a row holds what its column cannot, or no column has
            dates of the format that is set.
    """
    formats = DateFormats.typed(date_format)
    frame = columns.frame
    for name in formats.by_column or ():
        if name not in frame.columns and columns.time is None:
            near = did_you_mean(name, map(str, frame.columns), most=_MOST_NAMES)
            raise UsageError(f"data.date_format must name columns to learn from, got {name}, which is none; {near}")
    codes = fit_encoding(frame.iloc[train], most=columns.most_categories, missing=missing.texts, formats=formats)
    if not codes:
        raise UsageError(
            "a table needs a column that varies over the training rows and that rows share values of, got none of "
            f"{', '.join(map(str, frame.columns)) or 'no columns'}; choose other data.features"
        )
    names, values = encoded_names(codes), encode(frame, codes)
    if columns.time is None:
        _check_format_is_used(formats, codes)
    if columns.is_test is not None:
        # Rows drawn at random differ from training rows by chance alone; those of another file need not.
        unseen = UnseenValues()
        encode(frame[columns.is_test], codes, unseen=unseen)
        for line in unseen.lines:
            log.warning("data.test_path: %s", line)
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


def _check_format_is_used(formats: DateFormats, codes: Sequence[Code]) -> None:
    found = {code.get("format", ISO) for code in codes if code["kind"] == "date"}
    if formats.of_all and formats.of_all not in found:
        raise UsageError(
            f"data.date_format={formats.of_all} must be how all dates of a column are written, got no such column; "
            "leave it out, or name the column as in \"data.date_format={day: '%d/%m/%Y'}\" to see its first other value"
        )
