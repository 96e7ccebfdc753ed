"""Kinds of columns, and their values as texts or numbers."""

from typing import Any

import pandas as pd

from perceptron.data.columns.dates import detect_date_format
from perceptron.data.columns.number_texts import are_codes

_TRUTH = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}


def kind_of(column: "pd.Series[Any]") -> str:
    """``number``, ``boolean``, ``date`` or ``category``, by the values that are not missing.

    Texts are dates if all have one of the formats of ``detect_date_format``.
    """
    kind = kind_without_dates(column)
    return "date" if kind != "boolean" and kind != "number" and detect_date_format(column) is not None else kind


def kind_without_dates(column: "pd.Series[Any]") -> str:
    """The same, except that dates are categories.

    Texts that are all numbers are numbers, because a reader returns a whole column as texts if one entry is not a
    number. Digits of one width with leading zeros are categories: 007 is a name.
    """
    known = column.dropna()
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "category"
    if pd.api.types.is_bool_dtype(known.infer_objects()):
        return "boolean"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "category"
    texts = texts_of(known)
    if set(texts.str.lower()) <= {"true", "false"}:
        return "boolean"
    if are_codes(texts):
        return "category"
    return "number" if pd.to_numeric(texts, errors="coerce").notna().all() else "category"


def texts_of(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Values as texts without spaces around them; 5, 5.0 and the text 5 become the same."""
    values = column.astype(object)
    whole = values.map(lambda value: int(value) if isinstance(value, float) and value.is_integer() else value)
    return whole.map(str).astype(object).str.strip()


def numbers_of(column: "pd.Series[Any]", kind: str) -> "pd.Series[Any]":
    """Values as float64; NaN if missing or not a number."""
    if kind == "boolean":
        return texts_of(column).str.lower().map(_TRUTH).astype(float)
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("Float64").astype(float) if column.dtype == object else column.astype(float)
    return pd.to_numeric(column.astype(object), errors="coerce").astype(float)
