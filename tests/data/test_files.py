"""Tables in files: formats, the task that is found, what is refused, and nothing fitted on test rows."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perceptron.data import TableDataModule, table_from_files
from perceptron.data.encoding import encode, from_texts
from perceptron.data.files import read_frame
from perceptron.errors import UsageError


def mixed(n: int = 200, seed: int = 0) -> pd.DataFrame:
    """Numbers, a category, a truth, a date, gaps; the target follows from them."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": random.normal(40, 10, n).round(1),
            "city": random.choice(["Bern", "Basel", "Genf"], n),
            "member": random.random(n) < 0.5,
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 1500, n), unit="D"),
        }
    )
    score = (frame.age > 40).astype(int) + (frame.city == "Bern") + frame.member + (frame.joined > "2022-01-01")
    frame["churned"] = np.where(score >= 2, "yes", "no")
    frame.loc[random.random(n) < 0.1, "age"] = np.nan
    frame.loc[random.random(n) < 0.1, "city"] = None
    return frame


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


def test_a_new_file_is_encoded_by_the_stored_codes_alone(tmp_path: Path) -> None:
    frame = mixed()
    data = table_from_files(path=str(write(frame, tmp_path / "a.csv")), target="churned")
    codes = from_texts(data.schema.encoding)
    shuffled = read_frame(str(tmp_path / "a.csv"), "input")[["joined", "churned", "member", "city", "age"]]
    np.testing.assert_array_equal(encode(shuffled, codes), data.table.features)


def test_a_data_frame_of_other_than_numbers_is_a_table_too() -> None:
    frame = mixed()
    data = TableDataModule(dataset=lambda: (frame.drop(columns="churned"), frame.churned))
    assert data.schema.class_names == ("no", "yes")
    assert "city=Bern" in data.schema.feature_names


TEXT = "a,b,y\n" + "".join(f"{i},{i * 7 % 5},{'pq'[i % 2]}\n" for i in range(40))
WIDE = "a,b,t,g,w,y\n" + "".join(f"{i},{i % 3},2024-01-{i % 28 + 1:02d},{i // 2},1,{i % 2}\n" for i in range(40))

# What is wrong: text of the file, settings, and a part of the one line.
MALFORMED = {
    "no file": (None, {}, "must be a file or a pattern of files"),
    "no match": (None, {"path": "nothing-*.csv"}, "must be a file or a pattern of files"),
    "a folder": (None, {"path": "."}, "must end in .csv"),
    "an ending": (TEXT, {"name": "t.xls"}, "must end in .csv"),
    "no ending": (TEXT, {"name": "t"}, "must end in .csv"),
    "an empty file": ("", {}, "must be a readable csv file"),
    "blank lines": ("\n\n\n", {}, "must be a readable csv file"),
    "names alone": ("a,b,y\n", {}, "must have rows, got none"),
    "no names": ("1,2,3\n4,5,6\n", {}, "must have a first line with the columns' names"),
    "an unnamed column": ("a,,y\n1,2,3\n", {}, "must have a name for every column"),
    "a name twice": ("a,a,y\n1,2,3\n", {}, "must have each column once, got a twice"),
    "a long row": (TEXT + "1,2,3,4,5\n", {}, "must be a readable csv file, got Error tokenizing data"),
    "longer rows": ("a,b,y\n" + "1,2,3,4\n" * 9, {}, "rows with more cells than the 3 names"),
    "an open quote": (TEXT + '"1,2,3\n', {}, "must be a readable csv file"),
    "bytes": (b"a,y\n\xff\xfe,1\n\x00\x80,2\n", {}, "must be a readable csv file"),
    "no gzip": (TEXT, {"name": "t.csv.gz"}, "must be a readable csv file"),
    "half a gzip": (gzip.compress(TEXT.encode() * 50)[:60], {"name": "t.csv.gz"}, "must be a readable csv file"),
    "no zip": (TEXT, {"name": "t.csv.zip"}, "must be a readable csv file"),
    "no parquet": (TEXT, {"name": "t.parquet"}, "must be a readable parquet file"),
    "no feather": (TEXT, {"name": "t.feather"}, "must be a readable feather file"),
    "another target": (TEXT, {"target": "yy"}, "must name a column, got yy, which is none; did you mean y?"),
    "a target's gap": (TEXT + "1,2,\n", {}, "the target must be known in every row, got 1 rows without"),
    "one class": ("a,y\n" + "1,p\n2,p\n" * 20, {}, "at least two classes, got only"),
    "texts as target": ("a,y\n" + "".join(f"{i},t{i}\n" for i in range(60)), {}, "must be classes or numbers, got 60"),
    "a class of one": (TEXT + "1,2,r\n", {}, "must leave rows of every class on both sides"),
    "no numbers to regress": (TEXT, {"task": "regression"}, "must be numbers for data.task=regression"),
    "three classes of two": (TEXT + "1,2,r\n" * 9, {"task": "binary"}, "data.task=binary needs two classes, got 3"),
    "two classed targets": (WIDE, {"target": ["y", "g"], "task": "multiclass"}, "several targets must be continuous"),
    "only the target": ("y\n" + "p\nq\n" * 20, {}, "needs a column beside the target"),
    "nothing varies": ("a,y\n" + "1,p\n1,q\n" * 20, {}, "needs a column that varies"),
    "all missing": ("a,y\n" + ",p\n,q\n" * 20, {}, "needs a column that varies"),
    "another feature": (TEXT, {"features": ["a", "c"]}, "data.features must name a column, got c"),
    "the target as feature": (TEXT, {"features": ["a", "y"]}, "data.features must not hold the target"),
    "a feature twice": (TEXT, {"features": ["a", "a"]}, "data.features must name each column once"),
    "features and exclude": (TEXT, {"features": ["a"], "exclude": ["b"]}, "must not both be set"),
    "an excluded one": (TEXT, {"exclude": ["z"]}, "data.exclude must name a column, got z"),
    "another group": (WIDE, {"group": "gg"}, "data.group must name a column, got gg"),
    "the target as group": (WIDE, {"group": "y"}, "data.group must be another column than the target"),
    "group and time": (WIDE, {"group": "g", "time": "t"}, "data.time splits alone"),
    "time of texts": (TEXT.replace("y", "y,t", 1).replace("p\n", "p,now\n").replace("q\n", "q,then\n"), {"time": "t"},
                      "data.time=t must be numbers or dates"),
    "time without order": (WIDE, {"time": "w"}, "needs rows of a time of its own"),
    "a negative weight": (WIDE.replace(",1,0\n", ",-1,0\n"), {"weight": "w"}, "must be numbers of at least 0"),
    "weights of texts": (WIDE.replace(",1,0\n", ",much,0\n"), {"weight": "w"}, "must be numbers of at least 0"),
    "a weight's gap": (WIDE.replace(",1,0\n", ",,0\n"), {"weight": "w"}, "must be known in every row"),
    "too few groups": (WIDE, {"group": "b", "test_fraction": 0.7, "val_fraction": 0.2}, "must leave groups"),
    "another time": (TEXT, {"time": "b2"}, "data.time must name a column, got b2"),
    "infinity": (TEXT.replace("3,", "inf,"), {}, "must be finite"),
    "a huge number": (TEXT.replace("\n5,", "\n1e300,"), {}, "must be finite in float32"),
    "no test file": (TEXT, {"test_path": "nowhere.csv"}, "data.test_path must be a file"),
    "another test file": (TEXT, {"test": "a,y\n1,p\n"}, "data.test_path="),
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_table_is_one_clear_line(what: str, tmp_path: Path, monkeypatch) -> None:
    text, settings, message = MALFORMED[what]
    monkeypatch.chdir(tmp_path)
    settings = dict(settings)
    name = settings.pop("name", "t.csv")
    if text is not None:
        Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    if "test" in settings:
        Path("other.csv").write_text(settings.pop("test"))
        settings["test_path"] = "other.csv"
    with pytest.raises(UsageError) as caught:
        table_from_files(**{"path": name, "target": "y"} | settings).setup()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_there_are_forty_of_them() -> None:
    assert len(MALFORMED) >= 40
