"""What kind of values a column holds, and the values as texts or numbers."""

from typing import Any

import pandas as pd

from perceptron.data.columns.dates import date_form
from perceptron.data.columns.number_texts import are_codes

_TRUTH = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}


def kind_of(column: "pd.Series[Any]") -> str:
    """``number``, ``boolean``, ``date`` or ``category``, by the values that are not missing.

    Texts are dates where all have one of the forms of ``date_form``.
    """
    kind = kind_without_dates(column)
    return "date" if kind != "boolean" and kind != "number" and date_form(column) is not None else kind


def kind_without_dates(column: "pd.Series[Any]") -> str:
    """The same, where dates are categories.

    Texts that are all numbers are numbers: one wrong entry elsewhere in a file makes texts of a whole column. Texts of
    digits of one width with leading zeros are none: who wrote 007 meant a name.
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
    """Values as texts; a whole number the same whether a file had it as 5, 5.0 or a text."""
    values = column.astype(object)
    whole = values.map(lambda value: int(value) if isinstance(value, float) and value.is_integer() else value)
    return whole.map(str).astype(object).str.strip()


def numbers_of(column: "pd.Series[Any]", kind: str) -> "pd.Series[Any]":
    """float64, NaN where missing or no number."""
    if kind == "boolean":
        return texts_of(column).str.lower().map(_TRUTH).astype(float)
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("Float64").astype(float) if column.dtype == object else column.astype(float)
    return pd.to_numeric(column.astype(object), errors="coerce").astype(float)
