"""Tables on disk, whose blocks are read as they are needed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from perceptron.data import RowBatches, table_from_arrays
from perceptron.data.blocks import Blocks, is_mapped
from perceptron.data.sources.array_files import read_arrays
from perceptron.errors import UsageError


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    features = np.random.default_rng(0).normal(size=(203, 3)).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    np.save(tmp_path / "target.npy", (features.sum(axis=1) > 0).astype(np.int64))
    return {name: str(tmp_path / f"{name}.npy") for name in ("features", "target")}


def _batches(datamodule, epoch: int) -> list[tuple[torch.Tensor, ...]]:
    loader = datamodule.train_dataloader()
    loader.batches.set_epoch(epoch)
    return list(loader)


@pytest.mark.parametrize("n_in_memory", [1, 2, 50])
def test_blocks_give_any_rows_in_any_order(files, n_in_memory: int) -> None:
    values = np.load(files["features"], mmap_mode="r")
    blocks = Blocks(values, size=10, n_in_memory=n_in_memory)
    for seed in range(3):
        rows = torch.randperm(203, generator=torch.Generator().manual_seed(seed))[:60]
        np.testing.assert_array_equal(blocks.index_select(0, rows).numpy(), np.load(files["features"])[rows])
    assert blocks.index_select(0, rows[:0]).shape == (0, 3)


def test_each_block_is_read_once_an_epoch(files, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    plain = Blocks._read
    monkeypatch.setattr(Blocks, "_read", lambda self, block: read.append(block) or plain(self, block))
    # The last batch of some blocks is the first of others.
    _batches(table_from_arrays(**files, block_size=10, blocks_in_memory=4, batch_size=7), 0)
    assert sorted(read) == list(range(21))


def test_rows_of_some_blocks_are_shuffled_with_each_other_and_every_row_comes_once() -> None:
    bounds = torch.tensor([0, 4, 9, 14, 20])
    batches = RowBatches(20, batch_size=3, shuffle=True, seed=0, blocks=bounds, n_together=2)
    orders = []
    for epoch in (0, 1, 0):
        batches.set_epoch(epoch)
        orders.append(torch.cat(list(batches)))
    assert sorted(orders[0].tolist()) == list(range(20))
    assert torch.equal(orders[0], orders[2])
    assert not torch.equal(orders[0], orders[1])
    # Once the second two blocks have begun, the first two are over.
    pairs = torch.bucketize(orders[0], bounds, right=True).tolist()
    changes = [row for row in range(1, 20) if set(pairs[:row]).isdisjoint(pairs[row:])]
    assert len(changes) == 1


def test_the_epoch_goes_on_in_its_middle(files) -> None:
    settings = {**files, "block_size": 10, "blocks_in_memory": 3}
    whole = _batches(table_from_arrays(**settings), 2)
    loader = table_from_arrays(**settings).train_dataloader()
    loader.load_state_dict({"taken": 2})
    loader.batches.set_epoch(2)
    for (features, _), (expected, _) in zip(loader, whole[2:], strict=True):
        assert torch.equal(features, expected)


def test_where_all_blocks_are_in_memory_batches_are_those_of_a_table_in_memory(files) -> None:
    on_disk, in_memory = table_from_arrays(**files, block_size=10), table_from_arrays(**files)
    assert is_mapped(on_disk.table.features)
    assert not is_mapped(in_memory.table.features)
    np.testing.assert_array_equal(on_disk.features_scaling.mean, in_memory.features_scaling.mean)
    for (a, b), (c, d) in zip(_batches(on_disk, 1), _batches(in_memory, 1), strict=True):
        assert torch.equal(a, c)
        assert torch.equal(b, d)
    for (a, _), (c, _) in zip(on_disk.test_dataloader(), in_memory.test_dataloader(), strict=True):
        assert torch.equal(a, c)


def test_files_that_are_no_arrays_are_refused(files, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"data\.features must be a readable \.npy file, got no\.npy: .*; name another"
    ):
        read_arrays(features="no.npy", target=files["target"], in_memory=True)
    np.savez(tmp_path / "several.npz", a=np.zeros(3))
    with pytest.raises(UsageError, match=r"data\.target must be one array, got the archive .*; save it with np\.save"):
        read_arrays(features=files["features"], target=str(tmp_path / "several.npz"), in_memory=False)
    np.save(tmp_path / "objects.npy", np.array([{}, None]))
    with pytest.raises(UsageError, match=r"data\.features must be a readable \.npy file"):
        read_arrays(features=str(tmp_path / "objects.npy"), target=files["target"], in_memory=True)
    for wrong in (np.zeros((3, 2)), np.zeros((3, 2), dtype=np.float32, order="F"), np.zeros(3, dtype=np.float32)):
        np.save(tmp_path / "wrong.npy", wrong)
        with pytest.raises(
            UsageError, match=r"must be a table of float32 stored in rows where data\.block_size is set"
        ):
            read_arrays(features=str(tmp_path / "wrong.npy"), target=files["target"], in_memory=False)


_EPOCH = """
import re, sys
from pathlib import Path
from perceptron.data import table_from_arrays

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

table_from_arrays(features=sys.argv[1], target=sys.argv[2], block_size=512, blocks_in_memory=4).setup()
Path("/proc/self/clear_refs").write_text("5")
before = peak()
data = table_from_arrays(features=sys.argv[3], target=sys.argv[4], block_size=8192, blocks_in_memory=4, batch_size=4096)
data.setup()
for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
    for _ in loader:
        pass
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the peak of memory")
def test_a_table_takes_a_fraction_of_its_size_in_memory(files, tmp_path: Path) -> None:
    large = np.lib.format.open_memmap(tmp_path / "large.npy", mode="w+", dtype=np.float32, shape=(300_000, 200))
    large[:] = np.arange(200)
    large.flush()
    np.save(tmp_path / "y.npy", np.arange(300_000) % 2)
    arguments = [files["features"], files["target"], str(tmp_path / "large.npy"), str(tmp_path / "y.npy")]
    done = subprocess.run([sys.executable, "-c", _EPOCH, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Of 240 MB.
    assert float(done.stdout) < 120
