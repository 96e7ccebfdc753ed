"""Texts that resemble numbers: thousands and percentages, codes such as 007, units, and numbers with exceptions."""

import re
from typing import Any

import numpy as np
import pandas as pd

from perceptron.errors import UsageError

# A text of digits with a leading zero.
_LEADING_ZERO = r"0\d+"
# With separators of thousands, a decimal comma, a percent sign or a currency.
_LIKE_A_NUMBER = re.compile(
    r"\s*[+-]?\s*[$€£]?\s*[+-]?(\d{1,3}([,.'’\u00a0\u202f ]\d{3})+|\d+)([.,]\d+)?\s*[%$€£]?\s*"  # noqa: RUF001
)

_WITH_UNIT = re.compile(r"^\s*(?P<number>[+-]?\d+(?:[.,]\d+)?)\s*(?P<unit>[^\W\d_][^\s\d]*\d?(?:/[^\W\d_]+\d?)?)\s*$")
_FEWEST_WITH_UNIT = 3


def check_cells(frame: pd.DataFrame) -> None:
    """Refuse columns that a model cannot learn from, or whose numbers would become categories.

    Raises:
        UsageError: if cells hold lists or durations, if every text of a column is a number or resembles one, such as
            1,234 or 12 %, or if a name occurs twice.
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


def first_leading_zero(column: "pd.Series[Any]") -> str | None:
    """The first text of digits with a leading zero, such as 007; None if there is none."""
    if not _holds_texts(column):
        return None
    texts = column.dropna().astype(str).str.strip()
    return next(iter(texts[texts.str.fullmatch(_LEADING_ZERO)]), None)


def are_codes(column: "pd.Series[Any]") -> bool:
    """Whether texts are codes, such as postcodes, and not numbers: digits of one width, some with a leading zero."""
    if first_leading_zero(column) is None:
        return False
    texts = column.dropna().astype(str).str.strip()
    return bool(texts.str.fullmatch(r"\d+").all()) and texts.str.len().nunique() == 1


def without_leading_zeros(frame: pd.DataFrame) -> pd.DataFrame:
    """The DataFrame with columns of texts with leading zeros as numbers, unless they are codes."""
    for name in frame.columns:
        column = frame[name]
        if first_leading_zero(column) is not None and not are_codes(column):
            numbers = pd.to_numeric(column.astype(object), errors="coerce")
            frame = frame.assign(**{str(name): numbers}) if numbers.notna().equals(column.notna()) else frame
    return frame


def mixed_number(column: "pd.Series[Any]") -> tuple[int, str, int] | None:
    """The exception in a column that otherwise holds numbers.

    Returns:
        Row and text of the first value that is not a number, and the count of numbers. None if all known values are
        numbers, or if numbers are in the minority, both in count and in distinct values.
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
    """The unit of a column in which most values are numbers with the same unit, such as 54 m2.

    Returns:
        Row and text of the first such value, and the unit. None if most values do not have it, or if it follows fewer
        than three distinct numbers.
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
