"""What cells of a table may hold: numbers written in another way than with a point are mended or refused."""

import logging
import re
from typing import Any

import numpy as np
import pandas as pd

from perceptron.data.delimited import PADDED
from perceptron.errors import UsageError

log = logging.getLogger(__name__)
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*")
# Thousands set apart, a comma for the point, a sign of percent or currency.
_LIKE_A_NUMBER = re.compile(
    r"\s*[+-]?\s*[$€£]?\s*[+-]?(\d{1,3}([,.'’\u00a0\u202f ]\d{3})+|\d+)([.,]\d+)?\s*[%$€£]?\s*"  # noqa: RUF001
)

_WITH_UNIT = re.compile(r"^\s*(?P<number>[+-]?\d+(?:[.,]\d+)?)\s*(?P<unit>[^\W\d_][^\s\d]*\d?(?:/[^\W\d_]+\d?)?)\s*$")
_FEWEST_WITH_UNIT = 3


def with_points(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with texts like 1,5 as texts like 1.5, cell by cell; a column of nothing else is of numbers.

    Beside decimal commas a column of numbers like 1.234 may be of thousands; it is taken as written, which is said.
    """
    with_thousands = {name: _like_thousands(frame[name]) for name in frame.columns}
    has_commas = False
    for name in frame.columns:
        column = frame[name]
        commas = column.map(_has_decimal_comma) if _holds_texts(column) else None
        if commas is not None and commas.any():
            mended = column.mask(commas, column.astype(str).str.strip().str.replace(",", "."))
            numbers = pd.to_numeric(mended, errors="coerce")
            frame[name] = numbers if numbers.notna().equals(column.notna()) else mended
            has_commas = True
    for name, value in with_thousands.items():
        if has_commas and value is not None:
            log.warning(
                "column %s is read with a decimal point, as %.3f, beside columns with decimal commas; write %.0f "
                "without a point if the point separates thousands",
                name,
                value,
                1000 * value,
            )
    return frame


def _like_thousands(column: "pd.Series[Any]") -> float | None:
    """The first value with a point, where all values look as if points in them separated thousands, as in 1.234."""
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


def check_cells(frame: pd.DataFrame) -> None:
    """Refuse columns that are nothing to learn from as they are, or would be taken for categories.

    Raises:
        UsageError: where cells hold lists or lengths of time, or every text of a column is a number or like one, as
            1,234 or 12 % are; or where a name is there twice.
    """
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise UsageError(f"a table must have each column once, got {twice} twice; rename one")
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_timedelta64_dtype(column.dtype):
            raise UsageError(
                f"column {name} must hold numbers, texts, truths or dates, got lengths of time; make them numbers of "
                "one unit, or leave the column out with data.exclude"
            )
        if not _holds_texts(column):
            continue
        known = column.dropna()
        nested = known.map(lambda value: isinstance(value, list | tuple | dict | set | np.ndarray)).to_numpy(dtype=bool)
        if nested.any():
            raise UsageError(
                f"column {name} must hold a single value in every row, got several in row {known.index[nested][0]}; "
                "make a column of each, or leave the column out with data.exclude"
            )
        known = known.astype(str)
        others = known[pd.to_numeric(known, errors="coerce").isna()]
        if len(others) and others.map(lambda text: _LIKE_A_NUMBER.fullmatch(text) is not None).all():
            raise UsageError(
                f"column {name} must hold numbers as 1234.5, got {others.iloc[0]!r} in row {others.index[0]}; write "
                "them with a point and nothing else, or leave the column out with data.exclude"
            )


def padded(column: "pd.Series[Any]") -> str | None:
    """The first text of digits with a leading zero, as 007; None where there is none."""
    if not _holds_texts(column):
        return None
    texts = column.dropna().astype(str).str.strip()
    return next(iter(texts[texts.str.fullmatch(PADDED)]), None)


def are_codes(column: "pd.Series[Any]") -> bool:
    """Whether texts are codes, as of places, and no numbers: digits of one width, a zero in front of some."""
    if padded(column) is None:
        return False
    texts = column.dropna().astype(str).str.strip()
    return bool(texts.str.fullmatch(r"\d+").all()) and texts.str.len().nunique() == 1


def without_padding(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with columns of numbers of which some have leading zeros, and that are no codes, as numbers."""
    for name in frame.columns:
        column = frame[name]
        if padded(column) is not None and not are_codes(column):
            numbers = pd.to_numeric(column.astype(object), errors="coerce")
            frame = frame.assign(**{str(name): numbers}) if numbers.notna().equals(column.notna()) else frame
    return frame


def mixed_number(column: "pd.Series[Any]") -> tuple[int, str, int] | None:
    """Row and text of the first value that is no number, in a column that is of numbers otherwise; and their number.

    None where all known values are numbers, or where they are not most of them: neither half of the values, nor more
    different ones than the others.
    """
    if not _holds_texts(column):
        return None
    known = column.dropna().astype(str)
    is_number = pd.to_numeric(known, errors="coerce").notna().to_numpy()
    numbers, others = known[is_number], known[~is_number]
    if others.empty or (len(numbers) < len(others) and numbers.nunique() <= others.nunique()):
        return None
    return int(others.index[0]), str(others.iloc[0]), len(numbers)


def unit_of(column: "pd.Series[Any]") -> tuple[int, str, str] | None:
    """Row, text and unit of the first value that is a number with a unit, as 54 m2, where most values have the unit.

    None where they have not, or where fewer than three different numbers stand before it.
    """
    if not _holds_texts(column):
        return None
    known = column.dropna().astype(str)
    parts = known.str.extract(_WITH_UNIT).dropna()
    if len(parts) <= len(known) / 2:
        return None
    unit = parts["unit"].mode().iloc[0]
    own = parts[parts["unit"] == unit]
    if len(own) <= len(known) / 2 or own["number"].nunique() < _FEWEST_WITH_UNIT:
        return None
    return int(own.index[0]), str(known[own.index[0]]), str(unit)


def _has_decimal_comma(value: Any) -> bool:
    return isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value) is not None


def _holds_texts(column: "pd.Series[Any]") -> bool:
    """Whether a column may hold texts, as they were read."""
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    return not is_category and (pd.api.types.is_string_dtype(column.dtype) or column.dtype == object)
