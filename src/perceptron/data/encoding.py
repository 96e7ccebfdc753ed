"""Columns of any kind as features, by codes fitted on training rows and kept as plain values.

A code is a dict of plain values for one column of the table:

========== =========================================================================================================
kind       features
========== =========================================================================================================
number     the number, a missing one as the median of the training rows
boolean    0 or 1, a missing one as the more frequent of the training rows
date       year, month, day, weekday and hour as numbers, as far as they vary; missing ones as the medians
category   a column of 0 and 1 per category of the training rows that at least two of them have, at most ``most`` of
           them; rarer ones share the place ``other`` with those the training rows did not have. Where no training
           row is there, the place of an unknown category is the row without any 1, which no training row has.
========== =========================================================================================================

Where training rows miss values, a column ``<name>=missing`` of 0 and 1 says so; where none does, a missing number is
filled in and a missing category is an unknown one. A column that does not vary over the training rows has no code.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perceptron.data.cells import are_codes
from perceptron.errors import UsageError

Code = dict[str, Any]
MOST_CATEGORIES = 64
# Texts of a CSV file that say that a value is missing; pandas' own list.
MISSING_TEXTS = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
_LEAST_ROWS = 2
_TRUTH = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
_PARTS = ("year", "month", "day", "weekday", "hour")


def fit_encoding(frame: pd.DataFrame, *, most: int = MOST_CATEGORIES) -> tuple[Code, ...]:
    """Codes of the columns of training rows.

    Args:
        frame: training rows alone.
        most: categories of a column that get a feature of their own, the most frequent first.
    """
    codes = (_fit(str(name), frame[name], most) for name in frame.columns)
    return tuple(code for code in codes if code is not None)


def encode(frame: pd.DataFrame, codes: Sequence[Code]) -> npt.NDArray[np.float64]:
    """Features ``(n_rows, n_features)`` float64, raw, of rows whose columns are found by name, in any order.

    Raises:
        UsageError: where a column is missing, or holds what its kind cannot be.
    """
    missing = [code["column"] for code in codes if code["column"] not in frame.columns]
    if missing:
        raise UsageError(
            f"every column that the model was trained on must be there, got none named {missing[0]}; add it"
        )
    blocks = [_encoded(frame.loc[:, code["column"]], code) for code in codes]
    features = np.concatenate([*blocks, np.empty((len(frame), 0))], axis=1)
    with np.errstate(over="ignore"):
        finite = np.isfinite(features.astype(np.float32))
    if not finite.all():
        row, i = np.argwhere(~finite)[0]
        raise UsageError(
            f"every number must be finite in float32, got {features[row, i]} in column {encoded_names(codes)[i]}, "
            f"row {frame.index[row]}; mend or leave out such rows"
        )
    return features


def encoded_names(codes: Sequence[Code]) -> tuple[str, ...]:
    """One name per feature."""
    return tuple(name for code in codes for name in _names(code))


def is_measured(codes: Sequence[Code]) -> npt.NDArray[np.bool_]:
    """``(n_features,)`` which features are numbers to be standardised, and not a 0 or 1 that says what holds."""
    kinds = [
        code["kind"] in ("number", "date") and not name.endswith("=missing") for code in codes for name in _names(code)
    ]
    return np.array(kinds, dtype=bool)


def category_places(codes: Sequence[Code]) -> tuple[tuple[int, int], ...]:
    """First and last (excluded) feature of each column of categories, the one that says they are missing included."""
    places, start = [], 0
    for code in codes:
        stop = start + len(_names(code))
        if code["kind"] == "category":
            places.append((start, stop))
        start = stop
    return tuple(places)


def flags(codes: Sequence[Code]) -> tuple[int, ...]:
    """Features that are 0 or 1 by themselves: booleans, and what says that a number or a date is missing."""
    taken = is_measured(codes)
    for start, stop in category_places(codes):
        taken[start:stop] = True
    return tuple(int(i) for i in np.flatnonzero(~taken))


def as_texts(codes: Sequence[Code]) -> tuple[str, ...]:
    """Codes as JSON, one text a column, so that what a checkpoint says of its columns is texts alone."""
    return tuple(json.dumps(code, ensure_ascii=False, allow_nan=False) for code in codes)


def from_texts(texts: Sequence[str]) -> tuple[Code, ...]:
    """Codes that ``as_texts`` wrote.

    Raises:
        UsageError: where they are none.
    """
    try:
        codes = tuple(json.loads(text) for text in texts)
        _ = encoded_names(codes), [code["column"] for code in codes]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"a checkpoint's encoding must be readable, got {error}; name another") from error
    return codes


def kind_of(column: pd.Series) -> str:
    """``number``, ``boolean``, ``date`` or ``category``, by the values that are not missing.

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
        return "date"
    texts = texts_of(known)
    if set(texts.str.lower()) <= {"true", "false"}:
        return "boolean"
    if are_codes(texts):
        return "category"
    if pd.to_numeric(texts, errors="coerce").notna().all():
        return "number"
    if texts.str.match(r"\d{4}-\d{2}").all() and dates_of(texts).notna().all():
        return "date"
    return "category"


def _fit(name: str, column: "pd.Series[Any]", most: int) -> Code | None:
    missing = bool(column.isna().any())
    if column.isna().all():
        return None
    kind = kind_of(column)
    code: Code = {"column": name, "kind": kind, "missing": missing}
    if kind == "category":
        counts = texts_of(column.dropna()).value_counts()
        frequent = sorted(counts[counts >= _LEAST_ROWS].items(), key=lambda item: (-item[1], item[0]))[:most]
        code["values"] = sorted(str(value) for value, _ in frequent)
        code["other"] = len(frequent) < len(counts)
    elif kind == "date":
        parts = _date_parts(column)
        varying = [part for part in _PARTS if parts[part].nunique() > 1]
        code["parts"] = {part: float(parts[part].median()) for part in varying}
    else:
        numbers = numbers_of(column, kind)
        code["fill"] = float(numbers.median() if kind == "number" else numbers.mode()[0])
        if not np.isfinite(code["fill"]):
            raise UsageError(f"every number must be finite, got {code['fill']} in column {name}; mend such rows")
    # The place of a single value says nothing.
    varies = len(_names(code)) > 1 or (kind in ("number", "boolean") and numbers.nunique() > 1) or kind == "date"
    return code if varies and _names(code) else None


def _names(code: Code) -> list[str]:
    name = code["column"]
    own = {
        "category": lambda: [f"{name}={value}" for value in code["values"]] + [f"{name}=other"] * code["other"],
        "date": lambda: [f"{name}.{part}" for part in code["parts"]],
    }.get(code["kind"], lambda: [name])()
    return [*own, *([f"{name}=missing"] if code["missing"] else [])]


def _encoded(column: "pd.Series[Any]", code: Code) -> npt.NDArray[np.float64]:
    absent = column.isna().to_numpy()
    if code["kind"] == "category":
        places = {value: place for place, value in enumerate(code["values"])}
        values = code["values"]
        block = np.zeros((len(column), len(values) + code["other"]))
        place = texts_of(column).map(places).to_numpy(dtype=np.float64, na_value=np.nan)
        known = ~np.isnan(place) & ~absent
        block[np.flatnonzero(known), place[known].astype(int)] = 1
        if code["other"]:
            block[~known & ~(absent & code["missing"]), -1] = 1
    elif code["kind"] == "date":
        parts = _date_parts(column)
        _refuse(column, parts["year"].isna().to_numpy() & ~absent, "a date")
        block = np.empty((len(column), len(code["parts"])))
        for i, (part, fill) in enumerate(code["parts"].items()):
            block[:, i] = parts[part].fillna(fill)
    else:
        numbers = numbers_of(column, code["kind"])
        _refuse(column, numbers.isna().to_numpy() & ~absent, f"a {code['kind']}")
        block = numbers.fillna(code["fill"]).to_numpy(dtype=np.float64)[:, None]
    return np.column_stack([block, absent.astype(np.float64)]) if code["missing"] else block


def _refuse(column: "pd.Series[Any]", wrong: npt.NDArray[np.bool_], needed: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise UsageError(
            f"column {column.name} must be {needed} in every row, as in the training rows, got {column.iloc[row]!r} "
            f"in row {column.index[row]}; mend it or leave it empty"
        )


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


def dates_of(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Dates in UTC; NaT where missing or no date."""
    return pd.to_datetime(column, errors="coerce", format="ISO8601", utc=True)


def _date_parts(column: "pd.Series[Any]") -> pd.DataFrame:
    dates = dates_of(column)
    return pd.DataFrame(
        {
            # With the share of the year that has passed: an order in time, without steps.
            "year": dates.dt.year + (dates.dt.day_of_year - 1) / 366,
            "month": dates.dt.month,
            "day": dates.dt.day,
            "weekday": dates.dt.day_of_week,
            "hour": dates.dt.hour + dates.dt.minute / 60,
        },
        index=column.index,
    )
