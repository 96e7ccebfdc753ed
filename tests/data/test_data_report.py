"""What stands out in a table is said in one line each, and nothing is said of a table where nothing does."""

import json

import numpy as np
import pandas as pd

from perceptron.data import TableDataModule


def _report(frame: pd.DataFrame, target) -> dict:
    data = TableDataModule(dataset=lambda: (frame, pd.Series(target, name="y")))
    _ = data.table
    assert data.report is not None
    json.dumps(data.report, allow_nan=False)
    return data.report


def _plain(n: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=n), "city": random.choice(["p", "q", "r"], n)})
    return frame, random.choice(["yes", "no"], n)


def test_an_ordinary_table_has_no_warning() -> None:
    frame, target = _plain()
    report = _report(frame, target)
    assert report["warnings"] == []
    assert report["rows"] == 300
    assert report["splits"] == {"train": 195, "val": 45, "test": 60}
    assert sum(report["target"]["classes"].values()) == 300


def test_codes_of_digits_are_named() -> None:
    frame, target = _plain()
    frame["code"] = [f"{i % 5:03d}" for i in range(300)]
    frame["person"] = [f"{i:04d}" for i in range(300)]
    assert _report(frame, target)["warnings"] == [
        "column person looks like an identifier: 195 different texts in 195 rows; leave it out with data.exclude",
        "column code is taken for categories because of leading zeros, as in '000'; write numbers without them",
    ]


def test_each_thing_that_stands_out_is_one_line() -> None:
    frame, target = _plain()
    frame["same"] = frame["a"]
    frame["still"] = 1
    frame["number"] = np.arange(300)
    frame["name"] = [f"person {i}" for i in range(300)]
    frame["outcome"] = np.where(target == "yes", 7.5, 2.5) + np.random.default_rng(1).normal(size=300) / 9
    frame["sparse"] = np.where(np.arange(300) % 3 == 0, frame["a"] ** 2, np.nan)
    frame["mixed"] = [str(round(value, 1)) for value in frame["a"] + 1]
    frame.loc[frame.index[::40], "mixed"] = "unknown"
    warnings = _report(frame, target)["warnings"]
    for start in (
        "column still does not vary",
        "columns a and same are the same",
        "column number looks like an identifier: whole numbers that count the rows",
        "column name looks like an identifier: 195 different texts in 195 rows",
        "column outcome alone tells the target (balanced_accuracy 1.000",
        "column sparse misses 200 of 300 values",
        "column mixed is taken for categories because of 'unknown' in row ",
    ):
        assert [line for line in warnings if line.startswith(start)], (start, warnings)
    assert len(warnings) == 7
    assert not [line for line in warnings if "\n" in line]


def test_rows_on_two_sides_and_rare_classes_are_counted() -> None:
    frame, _ = _plain()
    frame = pd.concat([frame, frame], ignore_index=True)
    target = np.where(np.arange(600) % 20 == 0, "fraud", "fine")
    report = _report(frame, target)
    assert report["rows_shared_with_training"]["test"] > 50
    assert any(
        f"{report['rows_shared_with_training']['test']} test rows have the same" in w for w in report["warnings"]
    )
    assert any(line.startswith("class fraud has 30 of 600 rows") for line in report["warnings"])


def test_a_regression_is_looked_at_too() -> None:
    frame, _ = _plain()
    report = _report(frame.assign(cents=frame.a * 100 + 3), frame.a.to_numpy())
    assert report["target"]["task"] == "regression"
    assert {leak["column"] for leak in report["suspected_leaks"]} == {"a", "cents"}


def test_a_target_that_does_not_vary_is_told_by_no_column() -> None:
    frame, _ = _plain()
    for values in (np.full(300, 5.0), np.stack([np.full(300, 5.0), np.random.default_rng(1).normal(size=300)], axis=1)):
        data = TableDataModule(dataset=lambda values=values: (frame, pd.DataFrame(values)), task="regression")
        _ = data.table
        assert data.report is not None
        assert data.report["suspected_leaks"] == []


def test_texts_that_no_rows_share_are_not_called_constant() -> None:
    frame, target = _plain(40)
    frame["note"] = [f"note {i}" for i in range(40)]
    frame["still"] = "x"
    report = _report(frame, target)
    kinds = {column["name"]: column["kind"] for column in report["columns"]}
    assert kinds == {"a": "number", "city": "category", "note": "all different", "still": "constant"}
    assert "column note has no value that training rows share; it is left out" in report["warnings"]
    assert "column still does not vary over the training rows; it is left out" in report["warnings"]
    assert sum("note" in line for line in report["warnings"]) == 1
