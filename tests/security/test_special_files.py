"""FIFOs, devices, sparse files and headers that promise too much, where data belongs: a line, at once."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
from tests.conftest import Perceptron

from perceptron.data.sources.array_files import read_arrays
from perceptron.data.sources.column_names import check_names
from perceptron.data.sources.frames import read_frame
from perceptron.data.sources.sklearn_datasets import read
from perceptron.errors import UsageError
from perceptron.prediction.column_names import check_columns


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**37)


def _sparse_behind_names(path: Path) -> None:
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    os.truncate(path, 2**37)


def _endless_line(path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("a,b\n")
        for _ in range(20):
            file.write("1" * 2**20)


PREPARED: dict[str, tuple[Callable[[Path], None], str]] = {
    "a FIFO": (_fifo, "must be a regular file, got the FIFO"),
    "a device": (_device, "must be a regular file, got the device"),
    "a sparse file": (_sparse, "null byte|readable"),
    "a sparse file behind names": (_sparse_behind_names, "null byte|readable"),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zst", ".csv.zip", ".parquet", ".feather"])
@pytest.mark.parametrize("name", PREPARED)
def test_tables(tmp_path: Path, name: str, suffix: str) -> None:
    pytest.importorskip("pyarrow")
    prepare, message = PREPARED[name]
    path = tmp_path / f"rows{suffix}"
    prepare(path)
    with pytest.raises(UsageError, match=message):
        read_frame(str(path), "data.path")


@pytest.mark.timeout(120)
def test_a_line_without_end(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    _endless_line(tmp_path / "rows.csv")
    with pytest.raises(UsageError, match="lines of less than 16,777,216 characters, got more in line 2"):
        read_frame(str(tmp_path / "rows.csv"), "data.path")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
@pytest.mark.parametrize("name", PREPARED)
def test_arrays(tmp_path: Path, name: str, suffix: str, in_memory: bool) -> None:
    pytest.importorskip("pyarrow")
    prepare, message = PREPARED[name]
    path = tmp_path / f"features{suffix}"
    prepare(path)
    np.save(tmp_path / "target.npy", np.zeros(3))
    with pytest.raises(UsageError, match=message):
        read_arrays(features=str(path), target=str(tmp_path / "target.npy"), in_memory=in_memory)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("in_memory", [True, False])
def test_an_array_that_promises_too_much(tmp_path: Path, in_memory: bool) -> None:
    path = tmp_path / "features.npy"
    np.save(path, np.zeros((2, 2), np.float32))
    head = path.read_bytes().replace(b"(2, 2), }" + b" " * 16, b"(2, 9000000000000000), }" + b" ")
    assert b"9000000000000000" in head
    path.write_bytes(head)
    with pytest.raises(UsageError, match="must be a readable"):
        read_arrays(features=str(path), target=str(path), in_memory=in_memory)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["a FIFO", "a device", "a sparse file", "a sparse file behind names"])
def test_rows_to_predict(perceptron: Perceptron, trained: Callable[..., Path], tmp_path: Path, name: str) -> None:
    run = trained("model=softmax", "data=wine", "trainer.max_epochs=1", "logger=none", "figures=none")
    PREPARED[name][0](tmp_path / "rows.csv")
    answer = perceptron("predict", f"run={run}", f"input={tmp_path / 'rows.csv'}", f"output={tmp_path / 'out.csv'}")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.timeout(120)
def test_names_of_many_columns_take_time_in_proportion() -> None:
    # Where each was compared with all others this took an hour.
    names = [f"column {i}" for i in range(300_000)]
    check_names(names, Path("rows.csv"), "data.path")
    check_columns(names, wanted=names, row_id=None, ignored=(), source="rows.csv")
    with pytest.raises(UsageError, match="got column 7 twice"):
        check_names([*names, "column 7"], Path("rows.csv"), "data.path")


def _in_a_class(path: Path) -> None:
    (path / "class").mkdir(parents=True)
    os.mkfifo(path / "class" / "row")


@pytest.mark.parametrize(("function", "argument", "prepare", "kind"), [
    ("load_svmlight_file", "f", _fifo, "FIFO"),
    ("load_svmlight_file", "f", _device, "device"),
    ("load_svmlight_files", "files", _fifo, "FIFO"),
    ("load_files", "container_path", _in_a_class, "FIFO"),
])  # fmt: skip
def test_a_data_set_of_special_files(
    tmp_path: Path, function: str, argument: str, prepare: Callable[[Path], None], kind: str
) -> None:
    prepare(tmp_path / "rows")
    named: Any = [str(tmp_path / "rows")] if argument == "files" else str(tmp_path / "rows")
    dataset = partial(getattr(sklearn.datasets, function), **{argument: named})
    with pytest.raises(UsageError, match=f"data.dataset.{argument} must name regular files, got the {kind}"):
        read(dataset)


def test_a_data_set_of_standard_input() -> None:
    with pytest.raises(UsageError, match=r"data\.dataset\.f must be a file's name, got the number 0"):
        read(partial(sklearn.datasets.load_svmlight_file, f=0))


def test_a_data_set_of_regular_files(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("1 1:2\n0 1:3\n", encoding="utf-8")
    assert read(partial(sklearn.datasets.load_svmlight_file, f=str(tmp_path / "rows")))[1].tolist() == [1, 0]
