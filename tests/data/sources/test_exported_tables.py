"""Tables as spreadsheets and pandas write them: spaces in labels, thousands, an index."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perceptron.data import Table, TableDataModule, table_from_arrays, table_from_files
from perceptron.prediction.input_rows import read_rows


def _read(path: Path, **settings: object) -> Table:
    data: TableDataModule = table_from_files(path=str(path), **{"target": "y", **settings})  # type: ignore[arg-type]
    data.setup()
    return data.table


def _rows(n: int = 60) -> pd.DataFrame:
    x = np.random.default_rng(0).normal(size=n)
    return pd.DataFrame({"x": x, "y": np.where(x > 0, "yes", "no")})


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_spaces_around_the_name_of_a_class_do_not_matter(tmp_path: Path, kind: str) -> None:
    rows = _rows()
    rows.loc[::7, "y"] += " "
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_parquet(tmp_path / "rows.parquet")

    table = _read(tmp_path / f"rows.{kind}")

    assert table.schema.class_names == ("no", "yes")
    assert table.schema.task == "binary"
    np.testing.assert_array_equal(table.target, rows["x"] > 0)


def test_a_model_keeps_the_names_that_it_was_trained_with(tmp_path: Path) -> None:
    rows = _rows()
    rows["y"] += " "
    rows.to_parquet(tmp_path / "rows.parquet")
    data = table_from_files(path=str(tmp_path / "rows.parquet"), target="y")
    data.known = replace(_read(tmp_path / "rows.parquet").schema, class_names=("no ", "yes "))
    data.setup()

    np.testing.assert_array_equal(data.table.target, rows["x"] > 0)


def test_spaces_and_fractions_make_no_other_group(tmp_path: Path) -> None:
    rows = _rows()
    rows["patient"] = [f"P{i % 20}" + " " * (i % 3) for i in range(len(rows))]
    rows.to_csv(tmp_path / "rows.csv", index=False)

    data = table_from_files(path=str(tmp_path / "rows.csv"), target="y", group="patient")
    data.setup()

    patients = rows["patient"].str.strip().to_numpy()
    train, val, test = (set(patients[rows]) for rows in (data.split.train, data.split.val, data.split.test))
    assert train.isdisjoint(val | test)
    assert val.isdisjoint(test)


def test_what_names_the_index_of_a_parquet_file_is_a_column_as_in_csv(tmp_path: Path) -> None:
    days = pd.date_range("2026-01-01", periods=60, name="day")
    rows = _rows().set_index(days)
    rows.to_csv(tmp_path / "rows.csv")
    rows.to_parquet(tmp_path / "rows.parquet")

    tables = [_read(tmp_path / name) for name in ("rows.csv", "rows.parquet")]

    assert tables[0].schema == tables[1].schema
    np.testing.assert_array_equal(tables[0].features, tables[1].features)
    assert any(name.startswith("day.") for name in tables[0].schema.feature_names)
    by_time = table_from_files(path=str(tmp_path / "rows.parquet"), target="y", time="day")
    by_time.setup()
    assert by_time.split.train.max() < by_time.split.val.min() < by_time.split.test.min()
    codes = tables[0].schema.encoding
    found = [next(read_rows(tmp_path / f"rows.{kind}", features=["day", "x"], encoding=codes, row_id="day"))
             for kind in ("csv", "parquet")]  # fmt: skip
    np.testing.assert_array_equal(found[0].features, found[1].features)


@pytest.mark.parametrize("values", [["b", "a"] * 30, [5, 3] * 30])
def test_an_index_without_a_name_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, values: list[object]
) -> None:
    rows = _rows()
    rows.set_axis(values).to_parquet(tmp_path / "rows.parquet")

    with caplog.at_level(logging.WARNING):
        assert _read(tmp_path / "rows.parquet").schema.feature_names == ("x",)

    assert "has no name and says the rows' numbers or names: it is left out" in caplog.text


def test_an_index_without_a_name_is_no_feature_of_arrays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = _rows().assign(y=np.arange(60) % 2)
    rows.sample(frac=1, random_state=0).to_parquet(tmp_path / "rows.parquet")
    data = table_from_arrays(features=str(tmp_path / "rows.parquet"), target="y")

    with caplog.at_level(logging.WARNING):
        data.setup()

    assert data.schema.feature_names == ("x",)
    assert "it is left out" in caplog.text


@pytest.mark.parametrize(
    ("cells", "is_said"),
    [
        (["1.234", "17.501", "999", "2.100"], True),
        (["1.23", "17.50", "9.1", "2.1"], False),
        (["0.234", "0.501", "0.999", "0.101"], False),
        (["1234", "17501", "999", "2100"], False),
    ],
)
def test_numbers_that_may_be_thousands_beside_decimal_commas_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, cells: list[str], is_said: bool
) -> None:
    rows = [f"{cells[i % 4]};{i},5;{'yes' if i % 3 else 'no'}" for i in range(60)]
    (tmp_path / "rows.csv").write_text("\n".join(["amount;x;y", *rows]) + "\n", encoding="utf-8")

    with caplog.at_level(logging.WARNING):
        _read(tmp_path / "rows.csv")

    line = (
        "column amount is read with a decimal point, as 1.234, beside columns with decimal commas; write 1234 without"
    )
    assert (line in caplog.text) == is_said
    assert ("decimal commas" in caplog.text) == is_said


def test_what_only_the_given_test_rows_have_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = _rows(80).assign(city=["Bern", "Oslo"] * 40)
    rows.iloc[:60].to_csv(tmp_path / "rows.csv", index=False)
    test = rows.iloc[60:].copy()
    test.iloc[:3, test.columns.get_loc("city")] = "Rome"
    test.iloc[3, test.columns.get_loc("y")] = "perhaps"
    test.to_csv(tmp_path / "test.csv", index=False)
    data = table_from_files(path=str(tmp_path / "rows.csv"), target="y", test_path=str(tmp_path / "test.csv"))

    with caplog.at_level(logging.WARNING):
        data.setup()

    assert "data.test_path: values that no training row had: column city in 3 of 20 rows" in caplog.text
    assert data.report is not None
    assert "class perhaps has no training row, so that no row is recognised as such" in data.report["warnings"]
