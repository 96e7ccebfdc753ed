"""What an evaluation keeps of every row until its metrics are computed."""

import torch
from torch import Tensor


class EpochRows:
    """Columns that grow batch by batch, in memory for all rows from the start: joining batches would need it twice."""

    def __init__(self) -> None:
        self._columns: tuple[Tensor, ...] = ()
        self._n_rows = 0

    def add(self, *columns: Tensor, n_batches: float) -> None:
        """Keep a batch.

        Args:
            columns: ``(batch, ...)`` each.
            n_batches: how many batches there will be, none larger than the first. It makes room, and is no limit.
        """
        start, self._n_rows = self._n_rows, self._n_rows + len(columns[0])
        if not self._columns:
            n_expected = max(int(n_batches), 1) if n_batches < float("inf") else 1
            self._columns = tuple(column.new_empty(n_expected * len(column), *column.shape[1:]) for column in columns)
        while self._n_rows > len(self._columns[0]):
            self._columns = tuple(torch.cat([kept, torch.empty_like(kept)]) for kept in self._columns)
        for kept, column in zip(self._columns, columns, strict=True):
            kept[start : self._n_rows] = column

    def take(self) -> tuple[Tensor, ...]:
        """All rows ``(n_rows, ...)`` in the order in which they came; none is kept."""
        columns = tuple(kept[: self._n_rows] for kept in self._columns)
        self._columns, self._n_rows = (), 0
        return columns
