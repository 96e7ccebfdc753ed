"""Gradients that are summed over several batches before a step, as Lightning's ``accumulate_grad_batches`` does."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class GradientAccumulation:
    """Which members step after a batch, and the sums of their gradients until then.

    Args:
        count: batches of a step; the last step of an epoch may have fewer.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._n_batches: list[int] = []
        self._batch = 0
        self._sums: list[Tensor | None] = []

    def start_epoch(self, n_batches: Sequence[int]) -> None:
        """Start counting: ``n_batches`` of each member in this epoch."""
        self._n_batches = list(n_batches)
        self._batch = 0
        self._sums = []

    @torch.no_grad()
    def step_members(self, stacks: Sequence[nn.Parameter], members: Tensor | None) -> Tensor | None:
        """Positions ``(m,)`` int64 of the members that step now, whose gradients become the sums; None for all.

        Args:
            stacks: with the gradients of a batch.
            members: positions of those that took part in the batch; None for all.
        """
        if self.count == 1:
            return members
        self._batch += 1
        taking_part = range(len(self._n_batches)) if members is None else members.tolist()
        ends_step = self._batch % self.count == 0
        due = [position for position in taking_part if ends_step or self._batch == self._n_batches[position]]
        self._add(stacks, members)
        if len(due) == len(self._n_batches):
            for stack, total in zip(stacks, self._sums, strict=True):
                stack.grad = total
            self._sums = []
            return None
        positions = torch.tensor(due, dtype=torch.int64, device=stacks[0].device)
        for stack, total in zip(stacks, self._sums, strict=True):
            if stack.grad is not None and total is not None:
                stack.grad.index_copy_(0, positions, total[positions])
                total.index_fill_(0, positions, 0)
        return positions

    def _add(self, stacks: Sequence[nn.Parameter], members: Tensor | None) -> None:
        if not self._sums:
            self._sums = [None if stack.grad is None else torch.zeros_like(stack) for stack in stacks]
        for stack, total in zip(stacks, self._sums, strict=True):
            if stack.grad is not None and total is not None:
                if members is None:
                    total.add_(stack.grad)
                else:
                    total.index_add_(0, members, stack.grad[members])
