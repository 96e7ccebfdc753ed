"""Columns of any kind as features: fitted on training rows, plain values, by hand."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from perceptron.data.columns.encoding import as_texts, encode, encoded_names, fit_encoding, from_texts, is_measured
from perceptron.errors import UsageError


def frame(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns)


def encoded(train: pd.DataFrame, rows: pd.DataFrame) -> dict[str, list[float]]:
    codes = from_texts(as_texts(fit_encoding(train)))
    return dict(zip(encoded_names(codes), encode(rows, codes).T.tolist(), strict=True))


def test_numbers_and_what_is_missing_of_them() -> None:
    train = frame(a=[1.0, 2.0, np.nan, 9.0], b=[1, 2, 3, 4])
    assert encoded(train, frame(a=[5.0, np.nan], b=[7.0, np.nan])) == {
        "a": [5.0, 2.0], "a=missing": [0.0, 1.0], "b": [7.0, 2.5],
    }  # fmt: skip


def test_texts_that_are_numbers_are_numbers_and_others_are_refused() -> None:
    train = frame(a=["1", "2.5", None, "4"])
    assert encoded(train, train)["a"] == [1.0, 2.5, 2.5, 4.0]
    with pytest.raises(
        UsageError, match=r"column a must be a number .* got 'much' in row 1; mend it or leave it empty"
    ):
        encoded(train, frame(a=["3", "much"]))


def test_texts_of_one_width_with_leading_zeros_are_categories() -> None:
    train = frame(a=["007", "123", None, "007", "123"])
    assert encoded(train, frame(a=["123", "007", 123, "7"])) == {
        "a=007": [0, 1, 0, 0], "a=123": [1, 0, 1, 0], "a=missing": [0, 0, 0, 0],
    }  # fmt: skip
    # Of several widths they are numbers, as they are without a leading zero, or with a point.
    for texts in (["007", "12"], ["123", "456"], ["00.7", "12.3"], ["0", "7"], ["-07", "112"]):
        assert list(encoded(frame(a=texts * 2), frame(a=texts))) == ["a"], texts


def test_categories_rare_unknown_and_missing_ones() -> None:
    train = frame(city=["Bern", "Bern", "Genf", "Genf", "Zug", None])
    got = encoded(train, frame(city=["Genf", "Zug", "Paris", None]))
    assert got == {
        "city=Bern": [0, 0, 0, 0], "city=Genf": [1, 0, 0, 0], "city=other": [0, 1, 1, 0], "city=missing": [0, 0, 0, 1],
    }  # fmt: skip


def test_without_rare_ones_an_unknown_category_is_where_no_training_row_is() -> None:
    train = frame(city=["Bern", "Bern", "Genf", "Genf"])
    got = encoded(train, frame(city=["Bern", "Paris", None]))
    assert got == {"city=Bern": [1, 0, 0], "city=Genf": [0, 0, 0]}
    codes = fit_encoding(train)
    assert not (encode(train, codes).sum(axis=1) == 0).any()


def test_the_most_frequent_categories_have_features() -> None:
    train = frame(c=[f"c{i}" for i in range(10) for _ in range(i + 2)])
    codes = fit_encoding(train, most=3)
    assert encoded_names(codes) == ("c=c7", "c=c8", "c=c9", "c=other")
    assert encode(train, codes).sum() == len(train)


def test_a_category_is_the_same_whether_a_file_has_it_as_number_or_text() -> None:
    train = frame(c=pd.Categorical([5, 5, 7, 7]))
    for same in (["5", "7"], [5.0, 7.0], [5, 7]):
        assert encoded(train, frame(c=same)) == {"c=5": [1, 0], "c=7": [0, 1]}


def test_booleans() -> None:
    train = frame(a=[True, False, True], b=["true", None, "False"])
    got = encoded(train, frame(a=["True", "0", None], b=[True, False, np.nan]))
    assert got == {"a": [1, 0, 1], "b": [1, 0, 0], "b=missing": [0, 0, 1]}


def test_dates_are_parts_as_far_as_they_vary() -> None:
    train = frame(when=["2024-01-01", "2024-03-05", None])
    got = encoded(train, frame(when=pd.to_datetime(["2025-12-31", None])))
    assert list(got) == ["when.year", "when.month", "when.day", "when.weekday", "when.missing".replace(".", "=")]
    assert got["when.year"][0] == pytest.approx(2025 + 364 / 366, abs=1e-4)
    assert (got["when.month"], got["when.day"]) == ([12, 2], [31, 3])
    assert got["when.weekday"] == [2, 0.5]
    hours = encoded(frame(when=["2024-01-01T06:30", "2024-01-01T18:00"]), frame(when=["2024-01-01T12:15"]))
    assert hours == {"when.hour": [12.25]}
    with pytest.raises(UsageError, match="column when must be a date in every row"):
        encoded(train, frame(when=["soon"]))


def test_what_does_not_vary_is_left_out() -> None:
    train = frame(a=[1, 1, 1], b=["x", "x", "x"], c=[None, None, None], d=["p", "q", "r"], e=[1, 2, 3])
    assert encoded_names(fit_encoding(train)) == ("e",)


def test_columns_are_found_by_name_in_any_order_and_a_missing_one_is_named() -> None:
    train = frame(a=[1, 2], b=[3, 4])
    codes = fit_encoding(train)
    assert (encode(train[["b", "a"]], codes) == encode(train, codes)).all()
    with pytest.raises(UsageError, match="got none named b; add it"):
        encode(train[["a"]], codes)


def test_codes_are_plain_values() -> None:
    train = frame(a=[1.5, 2, None], c=["x", "x", "y"], d=pd.to_datetime(["2024-01-01", "2025-01-02", "2026-01-03"]))
    for code in fit_encoding(train):
        assert json.loads(json.dumps(code)) == code
    with pytest.raises(UsageError, match="encoding must be readable"):
        from_texts(['{"kind": "number"}'])


def test_only_measured_features_are_standardised() -> None:
    codes = fit_encoding(frame(a=[1.0, 2.0, None], b=[True, False, True], c=["x", "x", "y"]))
    assert encoded_names(codes) == ("a", "a=missing", "b", "c=x", "c=other")
    assert is_measured(codes).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize(
    "wrong",
    [{"missing_texts": 3}, {"missing_texts": [1]}, {"rare": 5}, {"rare": [[1]]}, {"format": 3}, {"format": "%Q"},
     {"format": ["a"]}, {"values": 7}, {"values": [1]}],
)  # fmt: skip
def test_a_code_that_nobody_wrote_is_refused(wrong: dict[str, object]) -> None:
    code = {"column": "a", "kind": "category", "missing": False, "values": ["x"], "other": True}
    assert from_texts([json.dumps(code)]) == (code,)
    for text in (json.dumps(code | wrong), "[]", "3", "{"):
        with pytest.raises(UsageError, match="encoding must be readable"):
            from_texts([text])


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
def test_numbers_that_float32_has_not_are_refused(value: float) -> None:
    train = frame(a=[1.0, 2.0])
    with pytest.raises(UsageError, match=r"must be finite in float32, got (-?inf|1e\+300) in column a, row 1"):
        encode(frame(a=[1.0, value]), fit_encoding(train))


def test_codes_of_many_columns_are_read_without_parsing_a_date_for_each() -> None:
    texts = [json.dumps({"column": f"x{i}", "kind": "number", "fill": 0.0, "missing": False}) for i in range(10_000)]
    start = time.process_time()
    assert len(from_texts(texts)) == len(texts)
    # A date takes pandas about half a millisecond.
    assert time.process_time() - start < 2
