"""Columns of delimited text (CSV) as numbers, truths or texts."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from perceptron.data.columns.missing_texts import USUAL, Missing
from perceptron.data.sources.column_names import check_names
from perceptron.data.sources.compressed import opened
from perceptron.data.sources.csv_reader import CsvReader
from perceptron.errors import UsageError

log = logging.getLogger(__name__)
# An Array or a ChunkedArray.
Texts = Any
_DECIMAL_COMMA = r"^\s*([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)\s*$"
# Digits that a number would lose: a leading zero, or more than the 18 digits that int64 holds of any number.
_LEADING_ZERO = r"^0\d+$"
_LONG_INTEGER = r"^[+-]?\d{19,}$"
_TRUTHS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}


def read_csv(file: Path, setting: str, missing: Missing = USUAL) -> pd.DataFrame:
    """DataFrame of a CSV file; texts that mean a missing value are null.

    If the separator is not a comma, a comma in a number is its decimal point.

    Args:
        file: also compressed, as its name says.
        setting: that names the file, for messages.
        missing: texts that mean a missing value.

    Raises:
        UsageError: see ``CsvReader``; also if the first line does not hold a name for each column.
    """
    with opened(file, setting) as stream:
        reader = CsvReader(stream, source=str(file), setting=setting)
        names = [name.strip() for name in reader.first_row]
        if not names:
            raise UsageError(f"{setting} must start with the columns' names, got nothing in {file}; name another")
        check_names(names, file, setting)
        if len(names) > 1 and not reader.has_names:
            raise UsageError(
                f"{setting} must have a first line with the columns' names, got numbers alone in {file}; add it"
            )
        table = pa.Table.from_batches(
            reader.batches(names, wanted=names), schema=pa.schema([(name, pa.string()) for name in names])
        )
    columns: dict[str, pd.Series[Any]] = {}
    thousands: dict[str, float] = {}
    has_commas = False
    for name in names:
        texts = without(table[name], missing.of(name))
        pointed = with_points(texts, reader.separator)
        columns[name] = _typed(pointed)
        if pointed is not texts:
            has_commas = True
        elif reader.separator != "," and (value := _like_thousands(columns[name])) is not None:
            thousands[name] = value
    for name, value in thousands.items() if has_commas else ():
        log.warning(
            "column %s is read with a decimal point, as %.3f, beside columns with decimal commas; write %.0f without a "
            "point if the point separates thousands",
            name,
            value,
            1000 * value,
        )
    return pd.DataFrame(columns)


def without(texts: Texts, missing: tuple[str, ...]) -> Texts:
    """Texts with null in place of those that mean a missing value; spaces around a text do not matter."""
    is_missing = pc.is_in(pc.utf8_trim_whitespace(texts), value_set=pa.array(missing, pa.string()))
    return pc.if_else(is_missing, None, texts)


def with_points(texts: Texts, separator: str) -> Texts:
    """Texts with a point in place of the comma in each decimal number; the same object if there are none."""
    if separator == "," or not pc.any(pc.match_substring_regex(texts, _DECIMAL_COMMA)).as_py():
        return texts
    return pc.replace_substring_regex(texts, _DECIMAL_COMMA, r"\1.\2")


def as_numbers(texts: Texts) -> Texts | None:
    """float64, correctly rounded and null where the text is; None unless all other texts are numbers or NaN."""
    try:
        return pc.utf8_trim_whitespace(texts).cast(pa.float64())
    except pa.ArrowInvalid:
        return None


def _typed(texts: Texts) -> "pd.Series[Any]":
    as_texts: pd.Series[Any] = pd.Series(texts, dtype="str")
    numbers = as_numbers(texts)
    # NaN that does not mean a missing value is a category.
    if numbers is None or pc.any(pc.is_nan(numbers)).as_py():
        are_truths = pc.all(pc.is_in(texts.drop_null(), value_set=pa.array(_TRUTHS))).as_py()
        return as_texts.astype(object).map(_TRUTHS).infer_objects() if are_truths else as_texts
    trimmed = pc.utf8_trim_whitespace(texts)
    if pc.any(pc.match_substring_regex(trimmed, _LEADING_ZERO)).as_py():
        return as_texts
    try:
        numbers = trimmed.cast(pa.int64())
    except pa.ArrowInvalid:
        if pc.any(pc.match_substring_regex(trimmed, _LONG_INTEGER)).as_py():
            return as_texts
    column: pd.Series[Any] = numbers.to_pandas()
    return column


def _like_thousands(column: "pd.Series[Any]") -> float | None:
    """The first value with a point if, in all values, points could separate thousands, as in 1.234; else None."""
    if not pd.api.types.is_float_dtype(column.dtype):
        return None
    known = column.dropna()
    pointed = known[known % 1 != 0]
    thousandths = (1000 * pointed).round()
    # Trailing zeros are lost, but most numbers of thousands have none.
    if pointed.empty or (thousandths % 10 != 0).mean() <= 1 / 2:
        return None
    of_three_digits = (thousandths / 1000 == pointed).all() and pointed.abs().min() >= 1 and known.abs().max() < 1000
    return float(pointed.iloc[0]) if of_three_digits else None
