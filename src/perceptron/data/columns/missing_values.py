"""Missing values in DataFrames: null in place of the texts and numbers that mean one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perceptron.data.columns.missing_texts import Missing, as_setting, missing_numbers


def mark_missing(frame: pd.DataFrame, missing: Missing) -> pd.DataFrame:
    """The DataFrame with null in place of values that mean a missing one; the same object if there are none."""
    changed = {}
    for name, column in frame.items():
        marked = mark_missing_in(column, missing.of(str(name)))
        if marked is not column:
            changed[name] = marked
    if not changed:
        return frame
    frame = frame.copy()
    for name, column in changed.items():
        frame[name] = column
    return frame


def mark_missing_in(column: "pd.Series[Any]", texts: Sequence[str]) -> "pd.Series[Any]":
    """A column with null in place of texts that mean a missing value, and of the numbers that such texts write.

    Spaces around a text do not matter.

    Args:
        column: of any kind.
        texts: that mean a missing value.

    Returns:
        The same object if the column has none of them.
    """
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        stripped = pd.Series(kind.categories.map(lambda value: value.strip() if isinstance(value, str) else value))
        gone = kind.categories[_is_missing(stripped, texts)]
        return column.cat.remove_categories(gone) if len(gone) else column
    is_missing = _is_missing(column.str.strip() if isinstance(kind, pd.StringDtype) else column, texts)
    return column.mask(is_missing) if is_missing.any() else column


def quote_missing(columns: pd.DataFrame, absent: npt.NDArray[np.bool_]) -> str:
    """The first text that is read as missing, and how to keep it, for a message; empty if the cells are empty.

    Args:
        columns: read without texts for missing values.
        absent: ``(n_rows,)`` rows in which one of the columns is missing.
    """
    for row in np.flatnonzero(absent).tolist():
        for value in columns.iloc[row]:
            if isinstance(value, str) and value.strip():
                text = value.strip()
                return (
                    f": the text {text} in row {columns.index[row]} is read as missing, which "
                    f"'data.not_missing=[{as_setting(text)}]' changes"
                )
    return ""


def _is_missing(column: "pd.Series[Any]", texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    if isinstance(column.dtype, pd.StringDtype):
        return column.isin(list(texts)).to_numpy(dtype=bool)
    numbers = missing_numbers(texts)
    if column.dtype == object:
        stripped = column.map(lambda value: value.strip() if isinstance(value, str) else value, na_action="ignore")
        is_text = column.map(lambda value: isinstance(value, str)).to_numpy(dtype=bool)
        found: npt.NDArray[np.bool_] = stripped.isin(list(texts)).to_numpy(dtype=bool) & is_text
        if not numbers:
            return found
        column = pd.to_numeric(column.where(~is_text), errors="coerce")
        return found | column.isin(numbers).to_numpy(dtype=bool)
    if numbers and pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.isin(numbers).to_numpy(dtype=bool)
    return np.zeros(len(column), dtype=bool)
