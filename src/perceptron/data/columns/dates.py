"""How dates are written: the usual forms that mean one day alone, and those that need ``data.date_format``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from perceptron.data.columns.missing_texts import as_setting
from perceptron.errors import UsageError

ISO = "ISO8601"
# Digits are d, a number of four digits Y, letters b. Where several forms share a shape, the first that every text has.
_FORMS: dict[str, tuple[str, ...]] = {
    "Y-d": ("%Y-%m",), "Y-d-d": ("%Y-%m-%d",), "Y/d/d": ("%Y/%m/%d",), "Y.d.d": ("%Y.%m.%d",),
    "d.d.Y": ("%d.%m.%Y",), "d/Y": ("%m/%Y",),
    "b d Y": ("%b %d %Y", "%B %d %Y"), "b d, Y": ("%b %d, %Y", "%B %d, %Y"), "d b Y": ("%d %b %Y", "%d %B %Y"),
    "d-b-Y": ("%d-%b-%Y", "%d-%B-%Y"), "d/b/Y": ("%d/%b/%Y", "%d/%B/%Y"), "dbY": ("%d%b%Y",),
    "b b d Y": ("%a %b %d %Y", "%A %B %d %Y"), "b, d b Y": ("%a, %d %b %Y", "%A, %d %B %Y"),
    "b Y": ("%b %Y", "%B %Y"), "b-Y": ("%b-%Y", "%B-%Y"), "Y-b-d": ("%Y-%b-%d",), "Y b d": ("%Y %b %d", "%Y %B %d"),
}  # fmt: skip
# Day and month may stand the other way round: one of the two where the other cannot be, by a day above 12.
_EITHER = {"d/d/Y": ("%d/%m/%Y", "%m/%d/%Y"), "d-d-Y": ("%d-%m-%Y", "%m-%d-%Y")}
# Of two digits, which century is meant cannot be read off a year.
_SHORT = {
    "d/d/d": ("%d/%m/%y", "%m/%d/%y"), "d-d-d": ("%d-%m-%y", "%m-%d-%y"), "d.d.d": ("%d.%m.%y",),
    "d-b-d": ("%d-%b-%y",), "dbd": ("%d%b%y",), "b-d": ("%b-%y",), "d b d": ("%d %b %y",), "b d, d": ("%b %d, %y",),
}  # fmt: skip
_CLOCK = re.compile(
    r"(?P<date>.+?)(?P<gap>,? |T)(?P<time>\d{1,2}:\d{2}(?P<seconds>:\d{2}(?P<part>\.\d+)?)?)(?P<half> ?[AaPp][Mm])?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?"
)
# What the text between the brackets has few of, what it is, and what to write instead.
_OTHERS = (
    (r"\d{1,2}(:)\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?", "times of the day", "hours as numbers, such as 13.5"),
    (r"\d{4}[ -]?([QW])\d{1,2}", "quarters or weeks", "their first days as dates, such as 2026-01-31"),
    (r"([QW])\d{1,2}[ /-]?\d{4}", "quarters or weeks", "their first days as dates, such as 2026-01-31"),
    (r"(?:[^\W\d]+,? )?\d{1,2}\.?[ -]([^\W\d]+)\.?,?[ -]\d{4}", "dates with words", "them as 2026-01-31"),
)
_MONTHS = 24
_COMPACT = "%Y%m%d"
# Codes like 10-1234 have the shape of a month too.
_YEARS = (1000, 2999)
_YEARS_OF_NUMBERS = (1900, 2100)
_FEWEST_NUMBERS = 3
_LOOKED_AT = 1000


@dataclass(frozen=True, kw_only=True)
class DateForms:
    """What ``data.date_format`` says.

    Attributes:
        of_all: form of every column whose values all have it; None to find the usual ones.
        by_column: form of single columns; None for a column that is no date.
    """

    of_all: str | None = None
    by_column: Mapping[str, str | None] | None = None

    @classmethod
    def typed(cls, setting: Any) -> "DateForms":
        """Of the setting: null, a form, or forms by column."""
        if setting is None or isinstance(setting, str):
            return cls(of_all=setting)
        return cls(by_column={str(name): form for name, form in setting.items()})

    def form_of(self, name: str, column: "pd.Series[Any]") -> str | None:
        """How the dates of a column are written; None where it is not one of dates.

        Raises:
            UsageError: where the form of this column is not that of every value.
        """
        if self.by_column and name in self.by_column:
            form = self.by_column[name]
            if form is not None:
                _check(name, column, form)
            return form
        if self.of_all is not None and _all_are(written(column.dropna()), self.of_all):
            return self.of_all
        return date_form(column)


def date_form(column: "pd.Series[Any]") -> str | None:
    """The one form that all values of a column can be read by, of those that are usual; None where there is none.

    Whole numbers such as 20260131 are dates where all are, of the years 1900 to 2100, and three of them differ.
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
    fitting = [form + time for form in _FORMS.get(shape, _EITHER.get(shape, ())) if _all_are(texts, form + time)]
    return fitting[0] if len(fitting) == 1 or (fitting and shape in _FORMS) else None


def advice_on_dates(column: "pd.Series[Any]", *, what: str = "") -> str | None:
    """What to say of a column whose values mostly look like dates, but that is none as it stands; None of others.

    Args:
        column: of texts.
        what: a setting that must be dates; empty for a feature, which becomes categories.
    """
    texts = written(column.dropna())
    some = texts.iloc[:_LOOKED_AT].map(_shape)
    if some.empty:
        return None
    shape, time = some.mode().iloc[0]
    forms = [form + time for form in (_FORMS.get(shape) or _EITHER.get(shape) or _SHORT.get(shape) or ())]
    counts = {form: read_dates(texts, form).notna() for form in forms}
    counts = {form: are for form, are in counts.items() if are.mean() > 1 / 2}
    name = column.name
    if not counts:
        return None if what else _advice_on_others(name, texts)
    best = max(counts, key=lambda form: int(counts[form].sum()))
    if not counts[best].all():
        place = int(counts[best].to_numpy().argmin())
        start = f"{what} must be dates, got" if what else f"column {name} is taken for categories because of"
        return (
            f"{start} {texts.iloc[place]!r} in row {texts.index[place]}, though {int(counts[best].sum())} of "
            f"{len(texts)} values are dates written as {best}; mend it"
            + ("" if what else f", or set 'data.missing=[{as_setting(texts.iloc[place])}]' if it means a missing value")
        )
    settings = " or ".join(f"\"data.date_format='{form}'\"" for form in counts)
    start = f"{what} must be dates, got" if what else f"column {name} is taken for categories: it looks like"
    return (
        f"{start} dates whose day, month or century can be read in more than one way, such as {texts.iloc[0]!r} in row "
        f"{texts.index[0]}; type {settings}, or write them as 2026-01-31"
    )


def _advice_on_others(name: Any, texts: "pd.Series[Any]") -> str | None:
    """What to say of times, quarters, weeks and months in other languages, which no form can be set for."""
    some = texts.iloc[:_LOOKED_AT]
    for pattern, what, write in _OTHERS:
        found = some.str.extract(rf"^{pattern}$").iloc[:, 0]
        # Words are months where they are few.
        if found.count() > len(some) / 2 and found.nunique() <= _MONTHS:
            place = int(found.notna().to_numpy().argmax())
            return (
                f"column {name} is taken for categories: it looks like {what}, such as {some.iloc[place]!r} in row "
                f"{some.index[place]}; write {write}"
            )
    return None


def read_dates(column: "pd.Series[Any]", form: str = ISO) -> "pd.Series[Any]":
    """Dates in UTC; NaT where missing or not written so. Columns that hold dates already stay what they are."""
    is_read = pd.api.types.is_datetime64_any_dtype(column.dtype)
    if not is_read and form != ISO:
        column = written(column).where(column.notna())
    return pd.to_datetime(column, errors="coerce", format=ISO if is_read else form, utc=True)


def written(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Values as they were written, without spaces around them; whole numbers without a fraction."""
    if pd.api.types.is_float_dtype(column.dtype) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype(str).str.strip()


def _are_compact(numbers: "pd.Series[Any]") -> bool:
    """Whether numbers such as 20260131 are dates."""
    first, last = (year * 10_000 for year in (_YEARS_OF_NUMBERS[0], _YEARS_OF_NUMBERS[1] + 1))
    if numbers.empty or pd.api.types.is_bool_dtype(numbers.dtype) or not numbers.between(first, last).all():
        return False
    if not (numbers % 1 == 0).all():
        return False
    different = pd.Series(numbers.unique())
    return len(different) >= _FEWEST_NUMBERS and bool(read_dates(different, _COMPACT).notna().all())


def _all_are(texts: "pd.Series[Any]", form: str) -> bool:
    # A form that is not theirs shows in the first texts mostly.
    for some in (texts.iloc[:_LOOKED_AT], texts):
        dates = read_dates(some, form)
        if some.empty or dates.isna().any() or not dates.dt.year.between(*_YEARS).all():
            return False
    return True


def _check(name: str, column: "pd.Series[Any]", form: str) -> None:
    wrong = read_dates(column, form).isna() & column.notna()
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        raise UsageError(
            f"data.date_format={form} must be how every date of column {name} is written, got "
            f"{column.iloc[place]!r} in row {column.index[place]}; set the column's form, or mend it"
        )


def _shape(text: str) -> tuple[str, str]:
    """The shape of a date, and the form of the time behind it."""
    time = ""
    if found := _CLOCK.fullmatch(text):
        text, half = found["date"], found["half"]
        time = found["gap"] + ("%I" if half else "%H") + ":%M" + (":%S" if found["seconds"] else "")
        time += (".%f" if found["part"] else "") + ("" if half is None else " %p" if half[0] == " " else "%p")
        time += "" if found["zone"] is None else " %z" if found["zone"][0] == " " else "%z"
    shape = re.sub(r"\d+", lambda digits: "Y" if len(digits[0]) == 4 else "d", re.sub(r"[A-Za-z]+", "b", text))
    return shape, time
