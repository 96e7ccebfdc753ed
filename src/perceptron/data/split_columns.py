"""The columns that the batches of a split are taken from."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from perceptron.data.blocks import Blocks, is_mapped
from perceptron.data.device import DeviceColumns, OnDevice
from perceptron.data.splits import Split
from perceptron.data.table import RowNumbers, Table
from perceptron.tasks import REGRESSION, SplitName


class SplitColumns:
    """Features and target of a whole table, and in training the factors of the rows' losses. Nothing is copied.

    Args:
        table: not standardised.
        split: its rows.
        class_weights: as in ``TableDataModule``.
        block_size: as in ``TableDataModule``.
        blocks_in_memory: as in ``TableDataModule``.
        on_device: as in ``TableDataModule``.
    """

    def __init__(
        self,
        table: Table,
        split: Split,
        *,
        class_weights: str,
        block_size: int | None,
        blocks_in_memory: int,
        on_device: OnDevice,
    ) -> None:
        self.table = table
        self.split = split
        self.is_balanced = class_weights == "balanced" and table.schema.task != REGRESSION.name
        self.block_size = block_size
        self._device = DeviceColumns(on_device)
        self._features: Tensor | Blocks
        if block_size is not None and is_mapped(table.features):
            self._features = Blocks(table.features, size=block_size, n_in_memory=blocks_in_memory)
        else:
            self._features = _shared(table.features)

    def of(self, split: SplitName) -> tuple[Tensor | Blocks, ...]:
        """Features and target of the whole table; in training the factors too, which are 0 for rows of other splits."""
        columns = (self._features, _shared(self.table.target))
        factors = self._factors(self.split.train) if split == "train" else None
        if factors is None:
            return columns
        of_all = np.zeros(len(self.table), dtype=factors.dtype)
        of_all[self.split.train] = factors
        return (*columns, _shared(of_all))

    def placed(
        self, split: SplitName, device: torch.device | None
    ) -> tuple[tuple[Tensor | Blocks, ...], torch.device | None]:
        """The columns of a split on the device where batches are taken from them, and that device.

        Args:
            split: of the rows.
            device: that trains or evaluates; None to take batches where the table is.

        Returns:
            Columns and None where batches are taken where the table is.
        """
        columns = self.of(split)
        if device is None or self.block_size is not None:
            return columns, None
        return self._device.placed(columns, device)  # type: ignore[arg-type]

    def factors(self) -> Tensor | None:
        """Factors ``(n_train,)`` of the training rows' losses, of mean 1; None where all rows count alike."""
        factors = self._factors(self.split.train)
        return None if factors is None else _shared(factors)

    def _factors(self, rows: RowNumbers) -> npt.NDArray[Any] | None:
        """Of mean 1, so that the mean weighted loss of all rows is their weighted mean loss."""
        table = self.table
        weights = None if table.weights is None else table.weights[rows]
        if self.is_balanced:
            counts = np.bincount(table.target[rows]).astype(table.features.dtype)
            of_class = 1 / counts[table.target[rows]]
            weights = of_class if weights is None else weights * of_class
        factors: npt.NDArray[Any] | None = None if weights is None else weights / weights.mean()
        return factors


def _shared(array: npt.NDArray[Any]) -> Tensor:
    """A tensor of the same memory. Nothing writes to it, so that a read-only array needs no warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))
