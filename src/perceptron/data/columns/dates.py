"""Formats of dates: unambiguous ones, which are detected, and those that ``data.date_format`` must set."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from perceptron.data.columns.missing_texts import as_setting
from perceptron.errors import UsageError

ISO = "ISO8601"
# By shape: d stands for digits, Y for four digits, b for letters. The first format that fits all texts wins.
_FORMATS: dict[str, tuple[str, ...]] = {
    "Y-d": ("%Y-%m",), "Y-d-d": ("%Y-%m-%d",), "Y/d/d": ("%Y/%m/%d",), "Y.d.d": ("%Y.%m.%d",),
    "d.d.Y": ("%d.%m.%Y",), "d/Y": ("%m/%Y",),
    "b d Y": ("%b %d %Y", "%B %d %Y"), "b d, Y": ("%b %d, %Y", "%B %d, %Y"), "d b Y": ("%d %b %Y", "%d %B %Y"),
    "d-b-Y": ("%d-%b-%Y", "%d-%B-%Y"), "d/b/Y": ("%d/%b/%Y", "%d/%B/%Y"), "dbY": ("%d%b%Y",),
    "b b d Y": ("%a %b %d %Y", "%A %B %d %Y"), "b, d b Y": ("%a, %d %b %Y", "%A, %d %B %Y"),
    "b Y": ("%b %Y", "%B %Y"), "b-Y": ("%b-%Y", "%B-%Y"), "Y-b-d": ("%Y-%b-%d",), "Y b d": ("%Y %b %d", "%Y %B %d"),
}  # fmt: skip
# Day and month may be swapped: a format is detected only if the other cannot be, because of a day above 12.
_EITHER = {"d/d/Y": ("%d/%m/%Y", "%m/%d/%Y"), "d-d-Y": ("%d-%m-%Y", "%m-%d-%Y")}
# Years of two digits leave the century open.
_SHORT = {
    "d/d/d": ("%d/%m/%y", "%m/%d/%y"), "d-d-d": ("%d-%m-%y", "%m-%d-%y"), "d.d.d": ("%d.%m.%y",),
    "d-b-d": ("%d-%b-%y",), "dbd": ("%d%b%y",), "b-d": ("%b-%y",), "d b d": ("%d %b %y",), "b d, d": ("%b %d, %y",),
}  # fmt: skip
_CLOCK = re.compile(
    r"(?P<date>.+?)(?P<gap>,? |T)(?P<time>\d{1,2}:\d{2}(?P<seconds>:\d{2}(?P<part>\.\d+)?)?)(?P<half> ?[AaPp][Mm])?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?"
)
# A pattern whose group has few distinct values, the description of such texts, and what to write instead.
_OTHERS = (
    (r"\d{1,2}(:)\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?", "times of the day", "hours as numbers, such as 13.5"),
    (r"\d{4}[ -]?([QW])\d{1,2}", "quarters or weeks", "their first days as dates, such as 2026-01-31"),
    (r"([QW])\d{1,2}[ /-]?\d{4}", "quarters or weeks", "their first days as dates, such as 2026-01-31"),
    (r"(?:[^\W\d]+,? )?\d{1,2}\.?[ -]([^\W\d]+)\.?,?[ -]\d{4}", "dates with words", "them as 2026-01-31"),
)
_MONTHS = 24
_COMPACT = "%Y%m%d"
# Codes like 10-1234 have the shape of a month, too.
_YEARS = (1000, 2999)
_YEARS_OF_NUMBERS = (1900, 2100)
_FEWEST_NUMBERS = 3
_LOOKED_AT = 1000


@dataclass(frozen=True, kw_only=True)
class DateFormats:
    """The setting ``data.date_format``.

    Attributes:
        of_all: format of every column whose values all have it; None to detect the usual formats.
        by_column: format of single columns; None for a column that does not hold dates.
    """

    of_all: str | None = None
    by_column: Mapping[str, str | None] | None = None

    @classmethod
    def typed(cls, setting: Any) -> "DateFormats":
        """The formats that the setting names: null, one format, or formats by column."""
        if setting is None or isinstance(setting, str):
            return cls(of_all=setting)
        return cls(by_column={str(name): date_format for name, date_format in setting.items()})

    def format_of(self, name: str, column: "pd.Series[Any]") -> str | None:
        """Format of the dates of a column; None if the column does not hold dates.

        Raises:
            UsageError: if a value does not have the format that is set for this column.
        """
        if self.by_column and name in self.by_column:
            date_format = self.by_column[name]
            if date_format is not None:
                _check(name, column, date_format)
            return date_format
        if self.of_all is not None and _all_are(written(column.dropna()), self.of_all):
            return self.of_all
        return detect_date_format(column)


def detect_date_format(column: "pd.Series[Any]") -> str | None:
    """The only usual format that fits all values of a column; None if no format or more than one fits.

    Whole numbers such as 20260131 are dates if all of them are, in the years 1900 to 2100, and at least three differ.
    """
    known = column.dropna()
    if isinstance(column.dtype, pd.CategoricalDtype):
        return None
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return ISO
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _COMPACT if _are_compact(known) else None
    texts = written(known)
    if texts.empty:
        return None
    if texts.str.match(r"\d{4}-\d{2}").all() and read_dates(texts, ISO).notna().all():
        return ISO
    if texts.str.fullmatch(r"\d{8}").all():
        return _COMPACT if _are_compact(texts.astype(float)) else None
    shape, time = _shape(texts.iloc[0])
    fitting = [
        date_format + time
        for date_format in _FORMATS.get(shape, _EITHER.get(shape, ()))
        if _all_are(texts, date_format + time)
    ]
    return fitting[0] if len(fitting) == 1 or (fitting and shape in _FORMATS) else None


def advice_on_dates(column: "pd.Series[Any]", *, what: str = "") -> str | None:
    """Advice for a column whose values look like dates but have no detectable format; None for other columns.

    Args:
        column: of texts.
        what: a setting that must be dates; empty for a feature, which becomes categories.
    """
    texts = written(column.dropna())
    some = texts.iloc[:_LOOKED_AT].map(_shape)
    if some.empty:
        return None
    shape, time = some.mode().iloc[0]
    formats = [
        date_format + time for date_format in (_FORMATS.get(shape) or _EITHER.get(shape) or _SHORT.get(shape) or ())
    ]
    counts = {date_format: read_dates(texts, date_format).notna() for date_format in formats}
    counts = {date_format: are for date_format, are in counts.items() if are.mean() > 1 / 2}
    name = column.name
    if not counts:
        return None if what else _advice_on_others(name, texts)
    best = max(counts, key=lambda date_format: int(counts[date_format].sum()))
    if not counts[best].all():
        place = int(counts[best].to_numpy().argmin())
        start = f"{what} must be dates, got" if what else f"column {name} is taken for categories because of"
        return (
            f"{start} {texts.iloc[place]!r} in row {texts.index[place]}, though {int(counts[best].sum())} of "
            f"{len(texts)} values are dates written as {best}; mend it"
            + ("" if what else f", or set 'data.missing=[{as_setting(texts.iloc[place])}]' if it means a missing value")
        )
    settings = " or ".join(f"\"data.date_format='{date_format}'\"" for date_format in counts)
    start = f"{what} must be dates, got" if what else f"column {name} is taken for categories: it looks like"
    return (
        f"{start} dates whose day, month or century can be read in more than one way, such as {texts.iloc[0]!r} in row "
        f"{texts.index[0]}; type {settings}, or write them as 2026-01-31"
    )


def _advice_on_others(name: Any, texts: "pd.Series[Any]") -> str | None:
    """Advice for times, quarters, weeks and months in other languages, for which no format can be set."""
    some = texts.iloc[:_LOOKED_AT]
    for pattern, what, write in _OTHERS:
        found = some.str.extract(rf"^{pattern}$").iloc[:, 0]
        # A few distinct words are months.
        if found.count() > len(some) / 2 and found.nunique() <= _MONTHS:
            place = int(found.notna().to_numpy().argmax())
            return (
                f"column {name} is taken for categories: it looks like {what}, such as {some.iloc[place]!r} in row "
                f"{some.index[place]}; write {write}"
            )
    return None


def read_dates(column: "pd.Series[Any]", date_format: str = ISO) -> "pd.Series[Any]":
    """Dates in UTC; NaT for values that are missing or of another format. Columns of dates keep their values."""
    is_read = pd.api.types.is_datetime64_any_dtype(column.dtype)
    if not is_read and date_format != ISO:
        column = written(column).where(column.notna())
    return pd.to_datetime(column, errors="coerce", format=ISO if is_read else date_format, utc=True)


def written(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Values as texts without spaces around them; whole numbers without a fraction."""
    if pd.api.types.is_float_dtype(column.dtype) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype(str).str.strip()


def _are_compact(numbers: "pd.Series[Any]") -> bool:
    """Whether numbers such as 20260131 are dates."""
    first, last = (year * 10_000 for year in (_YEARS_OF_NUMBERS[0], _YEARS_OF_NUMBERS[1] + 1))
    if numbers.empty or not (first <= numbers.min() and numbers.max() <= last):
        return False
    if not (numbers % 1 == 0).all():
        return False
    different = pd.Series(numbers.unique())
    return len(different) >= _FEWEST_NUMBERS and bool(read_dates(different, _COMPACT).notna().all())


def _all_are(texts: "pd.Series[Any]", date_format: str) -> bool:
    # Most formats that do not fit fail within the first texts.
    for some in (texts.iloc[:_LOOKED_AT], texts):
        dates = read_dates(some, date_format)
        if some.empty or dates.isna().any() or not dates.dt.year.between(*_YEARS).all():
            return False
    return True


def _check(name: str, column: "pd.Series[Any]", date_format: str) -> None:
    wrong = read_dates(column, date_format).isna() & column.notna()
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        raise UsageError(
            f"data.date_format={date_format} must be how every date of column {name} is written, got "
            f"{column.iloc[place]!r} in row {column.index[place]}; set the column's format, or mend it"
        )


def _shape(text: str) -> tuple[str, str]:
    """The shape of a date, and the format of the time after it."""
    time = ""
    if found := _CLOCK.fullmatch(text):
        text, half = found["date"], found["half"]
        time = found["gap"] + ("%I" if half else "%H") + ":%M" + (":%S" if found["seconds"] else "")
        time += (".%f" if found["part"] else "") + ("" if half is None else " %p" if half[0] == " " else "%p")
        time += "" if found["zone"] is None else " %z" if found["zone"][0] == " " else "%z"
    shape = re.sub(r"\d+", lambda digits: "Y" if len(digits[0]) == 4 else "d", re.sub(r"[A-Za-z]+", "b", text))
    return shape, time
