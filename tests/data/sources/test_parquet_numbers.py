import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceptron.data import table_from_arrays
from perceptron.data.blocks import is_mapped
from perceptron.errors import UsageError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

N_ROWS = 600_001


def write(path: Path, **columns: Any) -> str:
    pq.write_table(pa.table(columns), path, row_group_size=10_000)
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows in Parquet and in .npy, more than are read at a time."""
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(0)
    columns = {
        "width": rng.standard_normal(N_ROWS),
        "label": rng.integers(0, 3, N_ROWS),
        "count": rng.integers(0, 9, N_ROWS).astype(np.int32),
        "is_new": rng.random(N_ROWS) < 0.5,
    }
    write(folder / "rows.parquet", **columns)
    names = ("width", "count", "is_new")
    np.save(folder / "features.npy", np.stack([columns[name] for name in names], axis=1).astype(np.float32))
    np.save(folder / "target.npy", columns["label"])
    return folder


@pytest.mark.parametrize("block_size", [None, 1000])
def test_batches_are_those_of_arrays(files: Path, block_size: int | None) -> None:
    settings: dict[str, Any] = {"block_size": block_size, "batch_size": 512, "seed": 3}
    found = table_from_arrays(features=str(files / "rows.parquet"), target="label", **settings)
    expected = table_from_arrays(features=str(files / "features.npy"), target=str(files / "target.npy"), **settings)
    assert found.schema.feature_names == ("width", "count", "is_new")
    assert found.schema.class_names == ("0", "1", "2")
    assert is_mapped(found.table.features) == (block_size is not None)
    np.testing.assert_array_equal(found.features_scaling.mean, expected.features_scaling.mean)
    for own, other in zip(found.train_dataloader(), expected.train_dataloader(), strict=True):
        assert all(map(torch.equal, own, other))
    # What lies on disk has no name.
    assert sorted(path.name for path in files.iterdir()) == ["features.npy", "rows.parquet", "target.npy"]


@pytest.mark.parametrize(
    ("columns", "target", "said"),
    [
        ({"a": [1.0, 2.0], "b": ["x", "y"], "y": [0, 1]}, "y", "numbers for data=arrays, got string in column b"),
        ({"a": [1.0, None], "y": [0, 1]}, "y", "must be known for data=arrays, got none in column a in rows"),
        ({"a": [1.0, 2.0], "y": [0, None]}, "y", "the target must be known in every row, got 1 row without"),
        ({"a": [1.0, 2.0], "y": [0, 1]}, "z", "a column of the Parquet file, got z; choose from a, y"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("block_size", [None, 10])
def test_what_is_no_table_of_numbers_is_refused(
    tmp_path: Path, columns: dict[str, Any], target: str, said: str, block_size: int | None
) -> None:
    path = write(tmp_path / "rows.parquet", **columns)
    with pytest.raises(UsageError, match=re.escape(said)):
        table_from_arrays(features=path, target=target, block_size=block_size).setup()
    assert [file.name for file in tmp_path.iterdir()] == ["rows.parquet"]


def test_a_file_that_is_not_there_or_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no", encoding="utf-8")
    for name in ("text.parquet", "nothing.parquet"):
        with pytest.raises(UsageError, match=r"data\.features must be a readable Parquet file.*; name another"):
            table_from_arrays(features=str(tmp_path / name), target="y").setup()


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array([1.0]), pa.array([2.0]), pa.array([0])], names=["a", "a", "y"])
    pq.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(UsageError, match="every column must have a name of its own, got a twice"):
        table_from_arrays(features=str(tmp_path / "rows.parquet"), target="y").setup()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system does not reserve a file's room")
def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    path = write(tmp_path / "rows.parquet", a=[1.0, 2.0], y=[0, 1])
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(UsageError, match="No space left on device; name another, or make room"):
        table_from_arrays(features=path, target="y", block_size=10).setup()


_READ = """
import re, sys
from pathlib import Path
from perceptron.data.sources.parquet_numbers import read_parquet

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

read_parquet(sys.argv[1], target="y", in_memory=False)
Path("/proc/self/clear_refs").write_text("5")
before = peak()
read_parquet(sys.argv[2], target="y", in_memory=False)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the peak of memory")
def test_a_file_is_not_read_into_memory(tmp_path: Path) -> None:
    small = write(tmp_path / "small.parquet", a=[1.0, 2.0], y=[0, 1])
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.standard_normal(600_000, dtype=np.float32) for i in range(200)}
    pq.write_table(pa.table(columns | {"y": np.arange(600_000) % 2}), tmp_path / "large.parquet", row_group_size=50_000)
    arguments = [small, str(tmp_path / "large.parquet")]
    done = subprocess.run([sys.executable, "-c", _READ, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Of 480 MB; twice as many rows take as much.
    assert float(done.stdout) < 300
