"""Read a table on disk by blocks of rows, a number of which are in memory at a time."""

import mmap
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


class Blocks:
    """Takes rows by their numbers, as a tensor does, and reads whole blocks of consecutive rows for it.

    Any order is right. One that stays within ``n_in_memory`` blocks before it goes to others reads each block once.

    Args:
        values: ``(n_rows, n_columns)``, memory-mapped.
        size: rows per block.
        n_in_memory: number of blocks that are kept.
    """

    def __init__(self, values: npt.NDArray[Any], *, size: int, n_in_memory: int) -> None:
        self.values = values
        self.size = size
        n_blocks = -(-len(values) // size)
        # Place of each block in memory, -1 for none; block of each place; the place that was filled longest ago.
        self._places = torch.full((n_blocks,), -1)
        self._block_at = [-1] * min(n_in_memory, n_blocks)
        self._oldest = 0
        self._kept: Tensor | None = None

    def __len__(self) -> int:
        return len(self.values)

    def index_select(self, dim: int, rows: Tensor) -> Tensor:
        """``(len(rows), n_columns)``, as ``torch.index_select`` along the only ``dim`` there is, 0."""
        assert dim == 0  # noqa: S101
        kept = self._memory()
        blocks, within = rows // self.size, rows % self.size
        places = self._places.index_select(0, blocks)
        if not len(rows) or int(places.min()) >= 0:
            return kept.index_select(0, places * self.size + within)
        taken = kept.new_empty(len(rows), *kept.shape[1:])
        missing = torch.arange(len(rows))
        while len(missing):
            places = self._places[blocks[missing]]
            there = places >= 0
            taken[missing[there]] = kept[places[there] * self.size + within[missing[there]]]
            # What is there was taken, so that any block may make room for another.
            missing = missing[~there]
            for block in torch.unique(blocks[missing])[: len(self._block_at)].tolist():
                self._read(block)
        return taken

    def _memory(self) -> Tensor:
        if self._kept is None:
            rows = min(len(self._block_at) * self.size, len(self.values))
            self._kept = torch.from_numpy(np.empty((rows, *self.values.shape[1:]), dtype=self.values.dtype))
        return self._kept

    def _read(self, block: int) -> None:
        place = self._oldest
        self._oldest = (place + 1) % len(self._block_at)
        if self._block_at[place] >= 0:
            self._places[self._block_at[place]] = -1
        self._block_at[place], self._places[block] = block, place
        values = self.values[block * self.size : (block + 1) * self.size]
        self._memory().numpy()[place * self.size : place * self.size + len(values)] = values
        release(self.values)


def is_mapped(values: Any) -> bool:
    """Whether an array is a file's contents, read as they are looked at."""
    return _mapping(values) is not None


def release(values: Any) -> None:
    """Give up the memory that was read of a memory-mapped array; other arrays stay as they are."""
    mapping = _mapping(values)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def _mapping(values: Any) -> mmap.mmap | None:
    while isinstance(values, np.ndarray):
        values = values.base
    return values if isinstance(values, mmap.mmap) else None
