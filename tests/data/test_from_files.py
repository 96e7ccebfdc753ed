"""Tables in files: formats, the task that is found, what is refused, and nothing fitted on test rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.data.mixed_table import mixed

from perceptron.data import TableDataModule, table_from_files
from perceptron.data.columns.encoding import encode, from_texts
from perceptron.data.offsets import subtracted
from perceptron.data.sources.frames import read_frame


def write(frame: pd.DataFrame, path: Path) -> Path:
    if ".csv" in path.name:
        frame.to_csv(path, index=False)
    elif ".tsv" in path.name:
        frame.to_csv(path, index=False, sep="\t")
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_feather(path)
    return path


NAMES = ["t.csv", "t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zip", "t.tsv", "t.parquet", "t.feather"]


@pytest.mark.parametrize("name", NAMES)
def test_each_format_gives_the_same_features(name: str, tmp_path: Path) -> None:
    frame = mixed()
    want = table_from_files(path=str(write(frame, tmp_path / "want.parquet")), target="churned").table
    got = table_from_files(path=str(write(frame, tmp_path / name)), target="churned").table
    assert got.schema == want.schema
    np.testing.assert_array_equal(got.features, want.features)
    np.testing.assert_array_equal(got.target, want.target)


def test_leading_zeros_in_a_target_a_time_and_a_weight(tmp_path: Path) -> None:
    rows = [f"{i},{(i * 7) % 5},{i:03d},{i % 2 + 1:02d},{'007' if i % 3 else '012'},{'07' if i % 3 else '12'}"
            for i in range(90)]  # fmt: skip
    (tmp_path / "t.csv").write_text("\n".join(["a,b,when,weight,code,mixed", *rows]), encoding="utf-8")
    settings = {"path": str(tmp_path / "t.csv"), "time": "when", "weight": "weight", "features": ["a", "b"]}
    data = table_from_files(target="code", **settings)
    assert data.schema.class_names == ("007", "012")
    assert data.split.train.tolist() == list(range(len(data.split.train)))
    assert set(data.table.weights) == {1, 2}
    (tmp_path / "t.csv").write_text(
        (tmp_path / "t.csv").read_text(encoding="utf-8").replace(",07\n", ",7\n", 1), encoding="utf-8"
    )
    data = table_from_files(target="mixed", **settings)
    assert data.schema.class_names == ("7", "12")


def test_a_pattern_reads_all_files_in_order(tmp_path: Path) -> None:
    frame = mixed()
    for i in range(4):
        write(frame.iloc[i * 50 : (i + 1) * 50], tmp_path / f"part-{i}.csv")
    whole = read_frame(str(tmp_path / "part-*.csv"), "data.path")
    assert whole.age.fillna(-1).tolist() == frame.age.fillna(-1).tolist()


def test_semicolons(tmp_path: Path) -> None:
    mixed().to_csv(tmp_path / "t.csv", sep=";", index=False)
    assert list(read_frame(str(tmp_path / "t.csv"), "data.path")) == list(mixed())


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (["yes", "no"] * 50, "binary"),
        ([0.0, 1.0] * 50, "binary"),
        ([True, False] * 50, "binary"),
        (list("abcd") * 25, "multiclass"),
        ([1, 2, 3, 4] * 25, "multiclass"),
        (list(range(100)), "regression"),
        ([0.5, 1.5, 2.5, 3.0] * 25, "regression"),
    ],
)
def test_the_task_is_found_from_the_target(target, task: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(100) % 9, "y": target})
    data = table_from_files(path=str(write(frame, tmp_path / "t.parquet")), target="y")
    assert data.schema.task == task
    assert data.report is not None
    assert data.report["target"]["task"] == task


def test_the_task_can_be_set_and_targets_can_be_several(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(100) % 9, "y": np.arange(100) % 4, "z": np.arange(100) / 7})
    path = str(write(frame, tmp_path / "t.csv"))
    assert table_from_files(path=path, target="y", task="regression").schema.task == "regression"
    both = table_from_files(path=path, target=["y", "z"])
    assert both.schema.target_names == ("y", "z")
    assert both.table.target.shape == (100, 2)


def test_columns_are_chosen_left_out_and_set_apart(tmp_path: Path) -> None:
    frame = mixed()
    frame["patient"] = np.arange(200) // 4
    frame["counts"] = 1.0 + np.arange(200) % 3
    path = str(write(frame, tmp_path / "t.csv"))
    assert table_from_files(path=path, target="churned", features=["age"]).schema.feature_names == (
        "age",
        "age=missing",
    )
    data = table_from_files(path=path, target="churned", exclude=["joined", "city"], group="patient", weight="counts")
    assert data.schema.feature_names == ("age", "age=missing", "member")
    assert not set(frame.patient[data.split.train]) & set(frame.patient[data.split.test])
    (_, _, weights), *_ = data.train_dataloader()
    assert data.table.weights is not None
    assert data.table.weights.tolist() == frame["counts"].tolist()
    assert len(weights) == 32
    timed = table_from_files(path=path, target="churned", time="joined")
    assert frame.joined[timed.split.train].max() < frame.joined[timed.split.val].min()


def test_a_test_file_is_the_test(tmp_path: Path) -> None:
    path, test = write(mixed(), tmp_path / "a.csv"), write(mixed(60, seed=1), tmp_path / "b.csv")
    data = table_from_files(path=str(path), target="churned", test_path=str(test))
    assert data.split.test.tolist() == list(range(200, 260))


def test_no_value_of_a_test_row_changes_a_fitted_number(tmp_path: Path) -> None:
    frame = mixed()
    clean = table_from_files(path=str(write(frame, tmp_path / "a.parquet")), target="churned")
    spoilt = frame.copy()
    rows = np.concatenate([clean.split.val, clean.split.test])
    spoilt.loc[rows, "age"] = np.random.default_rng(3).normal(1e6, 1e5, len(rows))
    spoilt.loc[rows, "city"] = "nowhere"
    spoilt.loc[rows, "member"] = True
    spoilt.loc[rows, "joined"] = pd.Timestamp("1970-01-01")
    spoilt.loc[rows[:5], ["age", "city", "joined"]] = None
    dirty = table_from_files(path=str(write(spoilt, tmp_path / "b.parquet")), target="churned")
    assert dirty.schema == clean.schema
    for name in ("mean", "scale"):
        np.testing.assert_array_equal(getattr(dirty.features_scaling, name), getattr(clean.features_scaling, name))
    train = clean.split.train
    np.testing.assert_array_equal(dirty.table.features[train], clean.table.features[train])
    assert (dirty.table.features[rows] != clean.table.features[rows]).any()
    # Were a training row's value changed, it would show.
    spoilt = frame.copy()
    spoilt.loc[train, "age"] *= 2
    assert table_from_files(path=str(write(spoilt, tmp_path / "c.parquet")), target="churned").schema != clean.schema


def test_no_target_of_a_test_row_changes_a_fitted_number(tmp_path: Path) -> None:
    frame = mixed().assign(y=lambda rows: 1e9 + rows.index.to_numpy() % 50)
    clean = table_from_files(path=str(write(frame, tmp_path / "a.parquet")), target="y")
    rows, train = np.concatenate([clean.split.val, clean.split.test]), clean.split.train
    frame.loc[rows, "y"] = -1e12
    dirty = table_from_files(path=str(write(frame, tmp_path / "b.parquet")), target="y")
    assert clean.schema.target_offsets
    assert dirty.schema == clean.schema
    np.testing.assert_array_equal(dirty.table.target[train], clean.table.target[train])


def test_a_new_file_is_encoded_by_the_stored_codes_alone(tmp_path: Path) -> None:
    frame = mixed()
    data = table_from_files(path=str(write(frame, tmp_path / "a.csv")), target="churned")
    codes = from_texts(data.schema.encoding)
    shuffled = read_frame(str(tmp_path / "a.csv"), "input")[["joined", "churned", "member", "city", "age"]]
    np.testing.assert_array_equal(subtracted(encode(shuffled, codes), data.schema.feature_offsets), data.table.features)


def test_a_data_frame_of_other_than_numbers_is_a_table_too() -> None:
    frame = mixed()
    data = TableDataModule(dataset=lambda: (frame.drop(columns="churned"), frame.churned))
    assert data.schema.class_names == ("no", "yes")
    assert "city=Bern" in data.schema.feature_names
