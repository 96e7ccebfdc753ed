"""Texts that are or resemble numbers: refused, or told from codes such as 007 and from categories."""

import re
from typing import Any

import numpy as np
import pandas as pd

from perceptron.errors import UsageError

# A text of digits with a leading zero.
_PADDED = r"0\d+"
# Thousands set apart, a comma for the point, a sign of percent or currency.
_LIKE_A_NUMBER = re.compile(
    r"\s*[+-]?\s*[$€£]?\s*[+-]?(\d{1,3}([,.'’\u00a0\u202f ]\d{3})+|\d+)([.,]\d+)?\s*[%$€£]?\s*"  # noqa: RUF001
)

_WITH_UNIT = re.compile(r"^\s*(?P<number>[+-]?\d+(?:[.,]\d+)?)\s*(?P<unit>[^\W\d_][^\s\d]*\d?(?:/[^\W\d_]+\d?)?)\s*$")
_FEWEST_WITH_UNIT = 3


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
    return next(iter(texts[texts.str.fullmatch(_PADDED)]), None)


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


def _holds_texts(column: "pd.Series[Any]") -> bool:
    """Whether a column may hold texts, as they were read."""
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    return not is_category and (pd.api.types.is_string_dtype(column.dtype) or column.dtype == object)
