"""One notion of a missing value, whatever the rows come from."""

import numpy as np
import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from perceptron.data.columns.encoding import as_texts, encode, encoded_names, fit_encoding, from_texts
from perceptron.data.columns.missing_texts import MISSING_TEXTS, Missing, as_setting, missing_texts
from perceptron.data.columns.missing_values import mark_missing, mark_missing_in

TEXTS = missing_texts(["?", -999])


@pytest.mark.parametrize(
    ("column", "known"),
    [
        (pd.Series(["a", "? ", None, "NA", "x"]), [True, False, False, False, True]),
        (pd.Series(["a", " ?", None, 5, -999, -999.0], dtype=object), [True, False, False, True, False, False]),
        (pd.Series([1, -999, 3]), [True, False, True]),
        (pd.Series([1.5, -999.0, np.nan]), [True, False, False]),
        (pd.Series([1, -999, None], dtype="Int64"), [True, False, False]),
        (pd.Series(pd.Categorical(["NA", "b", "? "])), [False, True, False]),
        (pd.Series(pd.Categorical([1, -999])), [True, False]),
        (pd.Series(["-999", "b"], dtype="string"), [False, True]),
    ],
)
def test_texts_and_the_numbers_that_they_write_are_missing_in_columns_of_any_type(column, known) -> None:
    assert mark_missing_in(column, TEXTS).notna().tolist() == known


def test_a_column_without_them_is_the_same_object() -> None:
    for column in (pd.Series(["a", None]), pd.Series([1, 2]), pd.Series([True, False]), pd.Series([1.5, None])):
        assert mark_missing_in(column, TEXTS) is column


def test_the_texts_are_the_usual_ones_and_more_but_not_those_that_are_values() -> None:
    assert missing_texts() == MISSING_TEXTS
    assert missing_texts(["?", "NA", -999.0]) == (*MISSING_TEXTS, "?", "-999")
    # What Hydra reads as null and as a number.
    kept = missing_texts((), [None, float("nan"), "None"])
    assert set(MISSING_TEXTS) - set(kept) == {"null", "NULL", "nan", "NaN", "None"}


def test_a_column_may_know_some_of_them_as_values() -> None:
    missing = Missing(known={"cover": ["None"]})
    frame = pd.DataFrame({"cover": ["None", "NA", "x"], "other": ["None", "NA", "x"]})
    assert mark_missing(frame, missing).notna().to_dict("list") == {
        "cover": [True, False, True], "other": [False, False, True],
    }  # fmt: skip


def test_codes_read_rows_as_the_training_rows_were_read() -> None:
    train = pd.DataFrame({"size": ["1", "?", "3"] * 2, "cover": ["None", "Basic", "-"] * 2})
    codes = from_texts(as_texts(fit_encoding(train, missing=missing_texts(["?", "-"], ["None"]))))
    rows = pd.DataFrame({"size": [2, "?", None], "cover": ["None", "-", None]})
    got = dict(zip(encoded_names(codes), encode(rows, codes).T.tolist(), strict=True))
    assert got == {
        "size": [2, 2, 2], "size=missing": [0, 1, 1],
        "cover=Basic": [0, 0, 0], "cover=None": [1, 0, 0], "cover=missing": [0, 1, 1],
    }  # fmt: skip


def test_codes_of_earlier_versions_know_the_categories_that_they_list() -> None:
    # Trained on Parquet, when the text None was a category there.
    code = {"column": "cover", "kind": "category", "missing": False, "values": ["Basic", "None"], "other": False}
    rows = pd.DataFrame({"cover": ["None", "Basic", "NA"]})
    assert encode(rows, [code]).tolist() == [[0, 1], [1, 0], [0, 0]]


@pytest.mark.parametrize(
    "text", ["?", "n.a.", "weiß nicht", "weiß", "a b", 'say "hi"', "it's", "a\\", '\\"', "a,b", "[x]"]
)
def test_the_advice_to_set_a_text_is_in_hydras_grammar(text: str) -> None:
    (override,) = OverridesParser.create().parse_overrides([f"data.missing=[{as_setting(text)}]"])
    assert [str(getattr(value, "text", value)) for value in override.value()] == [text]
