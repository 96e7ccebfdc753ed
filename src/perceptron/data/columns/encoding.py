"""Columns of any kind as features, by codes fitted on training rows and kept as plain values.

A code is a dict of plain values for one column of the table:

========== =========================================================================================================
kind       features
========== =========================================================================================================
number     the number; if missing, the median of the training rows
boolean    0 or 1; if missing, the more frequent one of the training rows
date       year, month, day, weekday and hour as numbers, those that vary; if missing, their medians
category   one-hot: a column of 0 and 1 for each category that at least two training rows have, at most ``most``
           categories. Rarer ones share the column ``other`` with unknown ones. If no training row has a rare category,
           there is no such column, and an unknown category is a row without any 1, unlike every training row.
========== =========================================================================================================

A code also keeps how its column was read: ``missing_texts`` if they differ from ``MISSING_TEXTS``, ``format`` if dates
are not ISO 8601, and ``rare``, the categories that share ``other``, unless they are too many.

If training rows lack values, a column ``<name>=missing`` of 0 and 1 marks such rows; if none does, a missing number is
filled in and a missing category is an unknown one. A column that does not vary over the training rows has no code.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perceptron.data.columns.column_table import MOST_CATEGORIES
from perceptron.data.columns.dates import ISO, DateFormats, read_dates
from perceptron.data.columns.kinds import kind_without_dates, numbers_of, texts_of
from perceptron.data.columns.missing_texts import MISSING_TEXTS, missing_numbers
from perceptron.data.columns.missing_values import mark_missing_in
from perceptron.data.columns.unseen_values import UnseenValues
from perceptron.errors import UsageError

Code = dict[str, Any]
_LEAST_ROWS = 2
# Rare categories that a code lists, to distinguish them from unknown ones.
_MOST_RARE = 256
_PARTS = ("year", "month", "day", "weekday", "hour")


def fit_encoding(
    frame: pd.DataFrame,
    *,
    most: int = MOST_CATEGORIES,
    missing: Sequence[str] = MISSING_TEXTS,
    formats: DateFormats | None = None,
) -> tuple[Code, ...]:
    """Codes of the columns of training rows.

    Args:
        frame: training rows alone.
        most: largest number of categories of a column that get a feature each, the most frequent first.
        missing: texts that mean a missing value.
        formats: of dates; None to detect them.

    Raises:
        UsageError: if a number is not finite, or dates do not have the format that ``formats`` names.
    """
    formats = formats or DateFormats()
    codes = (_fit(str(name), mark_missing_in(frame[name], missing), most, formats) for name in frame.columns)
    own = {} if tuple(missing) == MISSING_TEXTS else {"missing_texts": list(missing)}
    return tuple(code | own for code in codes if code is not None)


def encode(
    frame: pd.DataFrame, codes: Sequence[Code], *, unseen: UnseenValues | None = None
) -> npt.NDArray[np.float64]:
    """Features ``(n_rows, n_features)`` float64, not standardised, of rows whose columns are matched by name.

    Args:
        frame: the rows, whose columns may be of any type; null and the codes' texts are missing values.
        codes: of the training rows.
        unseen: counts the values that no training row had; None not to count.

    Raises:
        UsageError: if a column is missing, or holds a value that is not of its kind.
    """
    missing = [code["column"] for code in codes if code["column"] not in frame.columns]
    if missing:
        raise UsageError(
            f"every column that the model was trained on must be there, got none named {missing[0]}; add it"
        )
    if unseen is not None:
        unseen.rows += len(frame)
    blocks = [_encoded(frame.loc[:, code["column"]], code, unseen) for code in codes]
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
    """``(n_features,)`` which features are to be standardised: numbers and parts of dates, not indicators."""
    kinds = [
        code["kind"] in ("number", "date") and not name.endswith("=missing") for code in codes for name in _names(code)
    ]
    return np.array(kinds, dtype=bool)


def category_places(codes: Sequence[Code]) -> tuple[tuple[int, int], ...]:
    """First and last (excluded) feature of each column of categories, including the one that marks missing values."""
    places, start = [], 0
    for code in codes:
        stop = start + len(_names(code))
        if code["kind"] == "category":
            places.append((start, stop))
        start = stop
    return tuple(places)


def flags(codes: Sequence[Code]) -> tuple[int, ...]:
    """Features that are 0 or 1 outside of categories: booleans, and marks of missing numbers or dates."""
    taken = is_measured(codes)
    for start, stop in category_places(codes):
        taken[start:stop] = True
    return tuple(int(i) for i in np.flatnonzero(~taken))


def as_texts(codes: Sequence[Code]) -> tuple[str, ...]:
    """Codes as JSON, a text for each column, so that a checkpoint stores only texts."""
    return tuple(json.dumps(code, ensure_ascii=False, allow_nan=False) for code in codes)


def from_texts(texts: Sequence[str]) -> tuple[Code, ...]:
    """Codes that ``as_texts`` wrote.

    Raises:
        UsageError: if a text is not such a code.
    """
    try:
        codes = tuple(json.loads(text) for text in texts)
        _ = encoded_names(codes), [code["column"] for code in codes]
        for code in codes:
            for name in ("values", "rare", "missing_texts"):
                if not all(isinstance(text, str) for text in list(code.get(name, []))):
                    raise TypeError(f"{name} that are no texts")
        for date_format in {code["format"] for code in codes if "format" in code}:
            _ = read_dates(pd.Series(["2026-01-31"]), date_format)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"a checkpoint's encoding must be readable, got {error}; name another") from error
    return codes


def missing_texts_of(code: Code) -> tuple[str, ...]:
    """Texts that mean a missing value in a column, except those that are categories of the model."""
    texts = code.get("missing_texts", MISSING_TEXTS)
    return tuple(text for text in texts if text not in code.get("values", ()))


def _fit(name: str, column: "pd.Series[Any]", most: int, formats: DateFormats) -> Code | None:
    missing = bool(column.isna().any())
    if column.isna().all():
        return None
    date_format = formats.format_of(name, column)
    kind = "date" if date_format else kind_without_dates(column)
    code: Code = {"column": name, "kind": kind, "missing": missing}
    if kind == "category":
        counts = texts_of(column.dropna()).value_counts()
        frequent = sorted(counts[counts >= _LEAST_ROWS].items(), key=lambda item: (-item[1], item[0]))[:most]
        code["values"] = sorted(str(value) for value, _ in frequent)
        code["other"] = len(frequent) < len(counts)
        if code["other"] and len(counts) - len(frequent) <= _MOST_RARE:
            code["rare"] = sorted({str(value) for value in counts.index}.difference(code["values"]))
    elif kind == "date":
        if date_format and date_format != ISO:
            code["format"] = date_format
        parts = _date_parts(read_dates(column, date_format or ISO))
        varying = [part for part in _PARTS if parts[part].nunique() > 1]
        code["parts"] = {part: float(parts[part].median()) for part in varying}
    else:
        numbers = numbers_of(column, kind)
        code["fill"] = float(numbers.median() if kind == "number" else numbers.mode()[0])
        if not np.isfinite(code["fill"]):
            raise UsageError(f"every number must be finite, got {code['fill']} in column {name}; mend such rows")
    # The indicator of a single category is constant.
    varies = len(_names(code)) > 1 or (kind in ("number", "boolean") and numbers.nunique() > 1) or kind == "date"
    return code if varies and _names(code) else None


def _names(code: Code) -> list[str]:
    name = code["column"]
    own = {
        "category": lambda: [f"{name}={value}" for value in code["values"]] + [f"{name}=other"] * code["other"],
        "date": lambda: [f"{name}.{part}" for part in code["parts"]],
    }.get(code["kind"], lambda: [name])()
    return [*own, *([f"{name}=missing"] if code["missing"] else [])]


def _encoded(column: "pd.Series[Any]", code: Code, unseen: UnseenValues | None) -> npt.NDArray[np.float64]:
    missing_texts = missing_texts_of(code)
    column = mark_missing_in(column, missing_texts)
    absent = column.isna().to_numpy()
    if code["kind"] == "category":
        texts = texts_of(column)
        places = {value: place for place, value in enumerate(code["values"])}
        values = code["values"]
        block = np.zeros((len(column), len(values) + code["other"]))
        place = texts.map(places).to_numpy(dtype=np.float64, na_value=np.nan)
        known = ~np.isnan(place) & ~absent
        block[np.flatnonzero(known), place[known].astype(int)] = 1
        if code["other"]:
            block[~known & ~(absent & code["missing"]), -1] = 1
        if unseen is not None:
            unknown = ~known & ~absent & ~texts.isin(code.get("rare", ())).to_numpy()
            counts = unseen.perhaps if code["other"] and "rare" not in code else unseen.unknown
            counts[code["column"]] += int(unknown.sum())
    elif code["kind"] == "date":
        date_format = code.get("format", ISO)
        parts = _date_parts(read_dates(column, date_format))
        needed = "a date" if date_format == ISO else f"a date written as {date_format}"
        _refuse(column, parts["year"].isna().to_numpy() & ~absent, needed)
        block = np.empty((len(column), len(code["parts"])))
        for i, (part, fill) in enumerate(code["parts"].items()):
            block[:, i] = parts[part].fillna(fill)
    else:
        numbers = numbers_of(column, code["kind"])
        # The text -999 also means the number -999.0.
        if written := missing_numbers(missing_texts):
            means_missing = numbers.isin(written)
            numbers, absent = numbers.mask(means_missing), absent | means_missing.to_numpy()
        _refuse(column, numbers.isna().to_numpy() & ~absent, f"a {code['kind']}")
        block = numbers.fillna(code["fill"]).to_numpy(dtype=np.float64)[:, None]
    if unseen is not None and not code["missing"]:
        unseen.missing[code["column"]] += int(absent.sum())
    return np.column_stack([block, absent.astype(np.float64)]) if code["missing"] else block


def _refuse(column: "pd.Series[Any]", wrong: npt.NDArray[np.bool_], needed: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise UsageError(
            f"column {column.name} must be {needed} in every row, as in the training rows, got {column.iloc[row]!r} "
            f"in row {column.index[row]}; mend it or leave it empty"
        )


def _date_parts(dates: "pd.Series[Any]") -> pd.DataFrame:
    return pd.DataFrame(
        {
            # With the elapsed fraction of the year, so that the feature grows steadily with time.
            "year": dates.dt.year + (dates.dt.day_of_year - 1) / 366,
            "month": dates.dt.month,
            "day": dates.dt.day,
            "weekday": dates.dt.day_of_week,
            "hour": dates.dt.hour + dates.dt.minute / 60,
        },
        index=dates.index,
    )
