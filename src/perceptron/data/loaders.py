"""Loaders of batches, which take the rows of a batch all at once."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from perceptron.data.blocks import Blocks
from perceptron.data.row_batches import RowBatches

Batch = tuple[Tensor, ...]


class Columns(Dataset[Batch]):
    """Rows of a split, taken from the whole table by many of their numbers at once: a split is no copy of its rows.

    Args:
        tensors: columns with one row per row of the table, on the device where batches are wanted.
        rows: ``(n_rows,)`` int64, the split's rows in the table, on that device; None where the table is the split.
    """

    def __init__(self, tensors: tuple[Tensor | Blocks, ...], rows: Tensor | None = None) -> None:
        self.tensors = tensors
        self.rows = rows

    def __getitem__(self, index: Any) -> Batch:
        rows, *weights = index if isinstance(index, tuple) else (index,)
        if self.rows is not None:
            rows = self.rows.index_select(0, rows)
        # tensor[rows] takes four to six times as long for a row of 50 numbers (measured).
        return (*(tensor.index_select(0, rows) for tensor in self.tensors), *weights)


def _unchanged(batch: Any) -> Any:
    return batch


class BatchLoader(DataLoader[Batch]):
    """A DataLoader that indexes a whole batch at once and can go on in the middle of an epoch.

    Lightning stores the ``state_dict`` of a train loader in a checkpoint and hands it back on resume.

    Args:
        tensors: columns with one row per row of the table, all on one device: batches are taken there.
        sampler: which rows make which batch, its numbers on that device.
        rows: the split's rows in the table, on that device; None where the table is the split.
        num_workers: worker processes; 0 loads in the main process, which is fastest for tables in memory.
    """

    def __init__(
        self,
        tensors: tuple[Tensor | Blocks, ...],
        *,
        sampler: RowBatches,
        rows: Tensor | None = None,
        num_workers: int = 0,
    ) -> None:
        super().__init__(
            Columns(tensors, rows),
            batch_size=None,
            sampler=sampler,
            collate_fn=_unchanged,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            # Its own, because an iteration draws a number that would be missing from the stream of noise.
            generator=torch.Generator(),
        )
        self.batches = sampler
        self.taken = 0

    def __iter__(self) -> Any:
        self.taken = self.batches.n_skipped
        for batch in super().__iter__():
            # Before the yield: a checkpoint is written while the consumer holds the batch, and Lightning never
            # exhausts a sized loader.
            self.taken += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Number of optimizer steps whose batches were handed out in this epoch."""
        return {"taken": self.taken % max(len(self.batches), 1) * self.batches.steps_per_batch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next iteration start behind the batches that were handed out.

        Args:
            state: whose ``taken`` is a multiple of the steps of a batch.
        """
        self.batches.skip(state["taken"] // self.batches.steps_per_batch)
