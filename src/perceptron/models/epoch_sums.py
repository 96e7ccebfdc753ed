"""Sums over the rows of a training epoch."""

from collections.abc import Callable

import torch
from torch import Tensor

# Rows whose labels are compared at once. Those of one small batch alone take a twentieth of its step (measured).
_ROWS_AT_ONCE = 4096


class EpochSums:
    """The sum of losses, the number of rows and, for classes, the number of rows that were labelled correctly.

    Nothing is read from the device before the epoch ends.

    Args:
        correct: which rows of outputs and target are labelled correctly; None to count none.
    """

    def __init__(self, correct: Callable[[Tensor, Tensor], Tensor | None] | None) -> None:
        self._correct = correct
        self._loss = torch.zeros(())
        # A tensor where processes share the rows.
        self._n_rows: int | Tensor = 0
        self._n_correct = torch.zeros((), dtype=torch.int64)
        # Outputs and targets whose labels are not compared yet.
        self._outputs: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._n_unlabelled = 0

    @property
    def counts_labels(self) -> bool:
        """Whether correctly labelled rows are counted."""
        return self._correct is not None

    def to(self, device: torch.device) -> "EpochSums":
        """Move the sums to the device of the losses."""
        self._loss, self._n_correct = self._loss.to(device), self._n_correct.to(device)
        return self

    def add(self, loss: Tensor, outputs: Tensor, target: Tensor, *, share: Tensor | None = None) -> None:
        """Add a batch.

        Args:
            loss: ``()`` the mean over its rows, of each row's loss times ``share``.
            outputs: ``(batch, ...)`` of the network, detached.
            target: ``(batch, ...)``.
            share: ``()`` what each row weighs because processes share the batch; with 0 they are not this process's,
                and are not added. None where one process has all rows.
        """
        n_rows: int | Tensor = len(target)
        if share is not None:
            is_own = share > 0
            loss, n_rows = torch.where(is_own, loss / share, 0), n_rows * is_own
            # No label.
            target = torch.where(is_own, target, -1)
        self._loss += loss * n_rows
        self._n_rows = self._n_rows + n_rows
        if self._correct is None:
            return
        self._outputs.append(outputs)
        self._targets.append(target)
        self._n_unlabelled += len(target)
        if self._n_unlabelled >= _ROWS_AT_ONCE:
            self._label()

    def sums(self) -> Tensor:
        """``(3,)`` float32 on the device: the losses, the number of rows, the number of correctly labelled ones."""
        self._label()
        return torch.stack([self._loss, self._loss.new_tensor(float(self._n_rows)), self._n_correct.float()])

    def state(self) -> Tensor:
        """``sums`` for a checkpoint, in float64."""
        self._label()
        n_rows = self._loss.new_tensor(float(self._n_rows), dtype=torch.float64)
        return torch.stack([self._loss.double(), n_rows, self._n_correct.double()])

    def load_state(self, state: Tensor) -> None:
        """Continue from a checkpoint's sums, on their device; older ones have no number of correctly labelled rows."""
        self._loss = state[0].float()
        self._n_rows = int(state[1])
        if len(state) > 2:
            self._n_correct = state[2].long()
        else:
            self._correct = None

    def _label(self) -> None:
        if self._correct is not None and self._outputs:
            correct = self._correct(torch.cat(self._outputs), torch.cat(self._targets))
            self._n_correct += 0 if correct is None else correct.sum()
            self._outputs, self._targets, self._n_unlabelled = [], [], 0
