"""Dates are read in the usual formats that mean one day alone; others are named, with how to write them."""

import datetime

import numpy as np
import pandas as pd
import pytest

from perceptron.data.columns.dates import DateFormats, advice_on_dates, detect_date_format, read_dates
from perceptron.data.columns.encoding import as_texts, encode, encoded_names, fit_encoding, from_texts
from perceptron.errors import UsageError

DAYS = pd.to_datetime(["1984-08-17", "1990-02-01", "2012-12-31"])


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["1984-08-17", "1990-02-01", "2012-12-31"], "ISO8601"),
        (["1984-8-17", "1990-2-1", "2012-12-31"], "%Y-%m-%d"),
        (["1984/08/17", "1990/02/01", "2012/12/31"], "%Y/%m/%d"),
        (["1984.08.17", "1990.02.01", "2012.12.31"], "%Y.%m.%d"),
        (["17.08.1984", "1.2.1990", "31.12.2012"], "%d.%m.%Y"),
        (["17-08-1984", "01-02-1990", "31-12-2012"], "%d-%m-%Y"),
        (["17/08/1984", "01/02/1990", "31/12/2012"], "%d/%m/%Y"),
        (["8/17/1984", "2/1/1990", "12/31/2012"], "%m/%d/%Y"),
        (["Aug 17 1984", "Feb 1 1990", "Dec 31 2012"], "%b %d %Y"),
        (["August 17, 1984", "February 1, 1990", "December 31, 2012"], "%B %d, %Y"),
        (["17 Aug 1984", "1 Feb 1990", "31 Dec 2012"], "%d %b %Y"),
        (["17-Aug-1984", "01-Feb-1990", "31-Dec-2012"], "%d-%b-%Y"),
        (["Fri Aug 17 1984", "Thu Feb 1 1990", "Mon Dec 31 2012"], "%a %b %d %Y"),
        (["17AUG1984", "01FEB1990", "31DEC2012"], "%d%b%Y"),
        (["19840817", "19900201", "20121231"], "%Y%m%d"),
        ([19840817, 19900201, 20121231], "%Y%m%d"),
        ([19840817.0, 19900201.0, 20121231.0], "%Y%m%d"),
        ([datetime.date(1984, 8, 17), datetime.date(1990, 2, 1), datetime.date(2012, 12, 31)], "ISO8601"),
    ],
)
def test_the_usual_forms_are_the_same_days(texts: list[object], form: str) -> None:
    column = pd.Series([*texts, None], dtype=object) if isinstance(texts[0], str) else pd.Series([*texts, None])
    assert detect_date_format(column) == form
    dates = read_dates(column, form)
    assert dates.iloc[:3].dt.tz_localize(None).tolist() == DAYS.tolist()
    assert dates.isna().tolist() == [False, False, False, True]


def test_times_of_the_day() -> None:
    for texts, hours in (
        (["17.08.1984 06:30", "1.2.1990 18:00"], [6.5, 18]),
        (["8/17/1984 6:30:00 AM", "2/1/1990 6:00:00 PM"], [6.5, 18]),
        (["Aug 17 1984 06:30:00.5", "Feb 1 1990 18:00:00.25"], [6.5, 18]),
        (["1984/08/17T06:30:00+01:00", "1990/02/01T18:00:00+01:00"], [5.5, 17]),
    ):
        column = pd.Series(texts)
        form = detect_date_format(column)
        assert form is not None, texts
        dates = read_dates(column, form)
        assert (dates.dt.hour + dates.dt.minute / 60).tolist() == hours


@pytest.mark.parametrize(
    "values",
    [
        ["01-02-1984", "03-04-1990"],
        ["17-Aug-84", "01-Feb-90"],
        ["10-1234", "11-9999"],
        ["Apollo 11", "Ariane 5"],
        ["10:30", "11:30"],
        ["5", "2012"],
        [20260131, 20250230, 20240101],
        [20260131, 20260131, 20260131],
        [2026, 2025, 2024],
        [True, False],
        pd.Categorical(["2024-01-01", "2024-01-02"]),
    ],
)
def test_what_may_be_another_day_or_none_is_no_date(values: object) -> None:
    assert detect_date_format(pd.Series(values)) is None


def _advice(texts: list[str]) -> str | None:
    return advice_on_dates(pd.Series(texts, name="day"))


def test_others_are_named_with_what_to_type() -> None:
    start = (
        "column day is taken for categories: it looks like dates whose day, month or century can be read in more than "
        "one way, such as "
    )
    end = "; type "
    assert _advice(["01-02-1984", "03-04-1990"]) == (
        f"{start}'01-02-1984' in row 0{end}\"data.date_format='%d-%m-%Y'\" or \"data.date_format='%m-%d-%Y'\", or "
        "write them as 2026-01-31"
    )
    assert _advice(["17-Aug-84"]) == f"{start}'17-Aug-84' in row 0{end}\"data.date_format='%d-%b-%y'\", or write " \
        "them as 2026-01-31"  # fmt: skip
    assert _advice(["1984/08/17", "soon", "1990/02/01"]) == (
        "column day is taken for categories because of 'soon' in row 1, though 2 of 3 values are dates written as "
        "%Y/%m/%d; mend it, or set 'data.missing=[soon]' if it means a missing value"
    )
    assert _advice(["2012-01-01", "2012-01-02", "?"]) is not None
    for text, what, write in (
        ("10:30", "times of the day", "hours as numbers, such as 13.5"),
        ("2015Q1", "quarters or weeks", "their first days as dates, such as 2026-01-31"),
        ("2015-W07", "quarters or weeks", "their first days as dates, such as 2026-01-31"),
        ("Q3/2015", "quarters or weeks", "their first days as dates, such as 2026-01-31"),
        ("1. M\u00e4rz 2016", "dates with words", "them as 2026-01-31"),
        ("17 mai 1984", "dates with words", "them as 2026-01-31"),
    ):
        assert _advice([text, text, "other"]) == (
            f"column day is taken for categories: it looks like {what}, such as {text!r} in row 0; write {write}"
        )
    for texts in (["Paris", "Rome"], ["A1", "B2"], [f"{i} rue{chr(97 + i % 26)}{i % 7} 2015" for i in range(99)]):
        assert _advice(texts) is None


def test_the_setting_says_the_form_of_all_columns_that_have_it_or_of_single_ones() -> None:
    column = pd.Series(["01/02/1984", "03/04/1990"], name="day")
    assert DateFormats.typed(None).format_of("day", column) is None
    assert DateFormats.typed("%d/%m/%Y").format_of("day", column) == "%d/%m/%Y"
    assert DateFormats.typed("%d/%m/%Y").format_of("city", pd.Series(["Paris"])) is None
    assert DateFormats.typed({"day": "%m/%d/%Y"}).format_of("day", column) == "%m/%d/%Y"
    assert DateFormats.typed({"day": None}).format_of("day", pd.Series(["2012-01-01"])) is None
    with pytest.raises(UsageError) as caught:
        DateFormats.typed({"day": "%d.%m.%Y"}).format_of("day", column)
    assert str(caught.value) == (
        "data.date_format=%d.%m.%Y must be how every date of column day is written, got '01/02/1984' in row 0; set the "
        "column's format, or mend it"
    )


def test_the_code_keeps_the_form_and_reads_other_rows_by_it() -> None:
    train = pd.DataFrame({"day": ["17-08-1984", "01-02-1990", None]})
    codes = from_texts(as_texts(fit_encoding(train)))
    assert codes[0]["format"] == "%d-%m-%Y"
    month = encoded_names(codes).index("day.month")
    # By itself 03-04-1990 may be in March.
    assert encode(pd.DataFrame({"day": ["03-04-1990"]}), codes)[0, month] == 4
    assert encode(pd.DataFrame({"day": pd.to_datetime(["1990-04-03"])}), codes)[0, month] == 4
    with pytest.raises(
        UsageError, match=r"must be a date written as %d-%m-%Y in every row, .* got '1990-04-03' in row"
    ):
        encode(pd.DataFrame({"day": ["1990-04-03"]}), codes)


def test_a_number_of_a_date_is_the_same_as_its_text() -> None:
    train = pd.DataFrame({"day": [20240131, 20250228, 20261231]})
    codes = from_texts(as_texts(fit_encoding(train)))
    wanted = encode(train, codes)
    for same in (train["day"].astype(str), train["day"].astype(float)):
        np.testing.assert_array_equal(encode(pd.DataFrame({"day": same}), codes), wanted)
