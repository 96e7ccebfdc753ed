"""Rows to be predicted are the same from CSV, Parquet and Feather, and what no training row had is said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as pa_feather
import pytest
from tests.conftest import Perceptron

from perceptron.data.columns.encoding import as_texts, encode, fit_encoding
from perceptron.data.columns.missing_texts import missing_texts
from perceptron.errors import UsageError
from perceptron.prediction.columnar_files import CHUNK_ROWS
from perceptron.prediction.input_rows import read_rows

TRAIN = pd.DataFrame({
    "size": ["1", "2", "?", "4"] * 3, "cover": ["None", "Basic", "Basic", "None"] * 3, "n": range(12),
    "day": ["17-08-1984", "01-02-1990", "03-04-2001", "30-12-2020"] * 3,
})  # fmt: skip
CODES = fit_encoding(TRAIN, missing=missing_texts(["?"], ["None"]))
ENCODING = as_texts(CODES)


def _read(path: Path, encoding: tuple[str, ...] = ENCODING, **settings: object) -> np.ndarray:
    return np.concatenate([chunk.features for chunk in read_rows(path, features=(), encoding=encoding, **settings)])


def _written(frame: pd.DataFrame, path: Path) -> Path:
    writers = {".csv": lambda: frame.to_csv(path, index=False), ".parquet": lambda: frame.to_parquet(path)}
    writers.get(path.suffix, lambda: frame.to_feather(path))()
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
def test_every_format_gives_the_same_features(suffix: str, tmp_path: Path) -> None:
    rows = TRAIN.sample(frac=1, random_state=0)[["day", "n", "cover", "size"]].reset_index(drop=True)
    np.testing.assert_array_equal(_read(_written(rows, tmp_path / f"t{suffix}")), encode(rows, CODES))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
def test_a_feature_may_name_the_rows(suffix: str, tmp_path: Path) -> None:
    path = _written(TRAIN, tmp_path / f"t{suffix}")
    (chunk,) = read_rows(path, features=(), encoding=ENCODING, row_id="cover")
    assert chunk.ids.to_pylist() == TRAIN["cover"].tolist()
    np.testing.assert_array_equal(chunk.features, encode(TRAIN, CODES))


def test_feather_in_chunks_and_compressed(tmp_path: Path) -> None:
    n = CHUNK_ROWS + 5
    table = pa.table({"a": np.arange(n, dtype=np.float32), "b": np.ones(n), "extra": np.zeros(n)})
    for name, settings in (
        ("lz4", {}), ("zstd", {"compression": "zstd"}), ("plain", {"compression": "uncompressed", "chunksize": n}),
    ):  # fmt: skip
        pa_feather.write_feather(table, str(tmp_path / name), **settings)
        shares: list[float] = []
        chunks = list(read_rows(tmp_path / name, features=["b", "a"], row_id="extra", progress=shares.append))
        assert [len(chunk.features) for chunk in chunks] == [CHUNK_ROWS, 5], name
        assert chunks[1].features[-1].tolist() == [1, n - 1]
        assert shares[-1] == 1
    with pytest.raises(UsageError, match="got extra extra in"):
        list(read_rows(tmp_path / "lz4", features=["a", "b"]))


def test_a_damaged_feather_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.feather").write_bytes(b"ARROW1\0\0 and no more")
    with pytest.raises(UsageError, match=r"must be a readable CSV, Parquet or Feather file, got .* in .*t\.feather"):
        _read(tmp_path / "t.feather")


def test_an_index_of_pandas_is_no_column(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=[7, 5])
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv")
    for name in ("t.parquet", "t.csv"):
        (chunk,) = read_rows(tmp_path / name, features=["b", "a"])
        assert chunk.features.tolist() == [[3, 1], [4, 2]]
    assert caplog.messages == [f"the first column of {tmp_path / 't.csv'} has no name: it is left out"]


def _said(rows: pd.DataFrame, path: Path, caplog: pytest.LogCaptureFixture, codes: tuple[str, ...]) -> list[str]:
    caplog.clear()
    _read(_written(rows, path), codes)
    return list(caplog.messages)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_values_that_no_training_row_had_are_counted(
    suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train = pd.DataFrame(
        {"city": ["Bern", "Bern", "Genf", "Genf", "Zug"], "plan": ["a", "b"] * 2 + ["a"], "age": range(5)}
    )
    codes = as_texts(fit_encoding(train))
    path = tmp_path / f"t{suffix}"
    assert _said(train, path, caplog, codes) == []
    rows = pd.DataFrame(
        {"city": ["Paris", "Zug", "Rome", "Bern"], "plan": ["a", "c", "b", None], "age": [1, None, 2, 3]}
    )
    assert _said(rows, path, caplog, codes) == [
        "values that no training row had: column city in 2 of 4 rows, column plan in 1; answered as an unknown "
        "category",
        "no value, where every training row had one: column plan in 1 of 4 rows, column age in 1; answered as the "
        "usual or an unknown one",
    ]


def test_very_many_rare_categories_are_not_told_from_unknown_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train = pd.DataFrame({"name": ["x", "x", *(f"n{i}" for i in range(500))]})
    codes = as_texts(fit_encoding(train))
    assert _said(pd.DataFrame({"name": ["n3", "new", "x"]}), tmp_path / "t.csv", caplog, codes) == [
        "values that no or few training rows had: column name in 2 of 3 rows; answered as an unknown category"
    ]


def test_the_command_says_so_on_standard_error(tmp_path: Path, perceptron: Perceptron) -> None:
    train = pd.DataFrame({"a\x1b[2J": ["p", "q"] * 30, "y": ["u", "v"] * 30})
    settings = (
        f"data.path={_written(train, tmp_path / 't.parquet')}",
        "data.target=y",
        f"hydra.run.dir={tmp_path}/run",
    )
    answer = perceptron("train", "data=table", *settings, "figures=none", "logger=none", "trainer.max_epochs=1")
    assert answer.status == 0, answer.err
    rows = _written(train.assign(**{"a\x1b[2J": "new"}), tmp_path / "rows.feather")
    answer = perceptron("predict", f"run={tmp_path}/run", f"input={rows}", f"output={tmp_path}/out.csv")
    said = "values that no training row had: column a\\x1b[2J in 60 of 60 rows; answered as an unknown category"
    assert answer == (0, "", f"warning: {said}\n")
    assert len(pd.read_csv(tmp_path / "out.csv")) == 60
    answer = perceptron("evaluate", f"run={tmp_path}/run", f"data.path={rows}", "split=train")
    assert (answer.status, f"warning: {said}" in answer.err) == (0, True)
