"""Which rows every member of a population sees in each step."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from perceptron.population.member import Member


class Part(NamedTuple):
    """Members whose batches of a step are of one size.

    Attributes:
        members: ``(m,)`` int64 positions among the living; None for all of them.
        rows: ``(m, batch)`` int64 rows of the shared table.
        factors: ``(m, batch)`` of the rows' losses in training; None for 1.
    """

    members: Tensor | None
    rows: Tensor
    factors: Tensor | None

    def to(self, device: torch.device) -> "Part":
        """The same on a device."""
        return Part(
            None if self.members is None else self.members.to(device),
            self.rows.to(device),
            None if self.factors is None else self.factors.to(device),
        )


def epoch_steps(members: Sequence[Member], epoch: int) -> Iterator[list[Part]]:
    """Steps of an epoch: one part each, save at the end of an epoch where folds differ in size.

    A member whose epoch is over takes no part in the steps that others still have.

    Args:
        members: those that are still trained, in the stack's order.
        epoch: its number.
    """
    if not members:
        return
    of_members = [_batches(member, epoch) for member in members]
    for step in range(max(map(len, of_members))):
        by_size: dict[int, list[int]] = {}
        for position, batches in enumerate(of_members):
            if step < len(batches):
                by_size.setdefault(len(batches[step][0]), []).append(position)
        yield [
            Part(_positions(positions, members), *_stacked([of_members[position][step] for position in positions]))
            for positions in by_size.values()
        ]


def split_parts(members: Sequence[Member], split: str) -> list[Part]:
    """All rows of a split of each member, members with as many rows together; none where the split is empty."""
    by_size: dict[int, list[int]] = {}
    for position, member in enumerate(members):
        by_size.setdefault(len(member.split.rows(split)), []).append(position)
    by_size.pop(0, None)
    return [
        Part(
            _positions(positions, members),
            torch.stack([torch.from_numpy(members[position].split.rows(split)) for position in positions]),
            None,
        )
        for positions in by_size.values()
    ]


def _positions(positions: list[int], members: Sequence[Member]) -> Tensor | None:
    return None if len(positions) == len(members) else torch.tensor(positions)


def _stacked(batches: list[tuple[Tensor, Tensor | None]]) -> tuple[Tensor, Tensor | None]:
    """Rows and factors of several members; 1 where a member has no factors and others have."""
    rows = torch.stack([rows for rows, _ in batches])
    if all(factors is None for _, factors in batches):
        return rows, None
    kind = next(factors.dtype for _, factors in batches if factors is not None)
    return rows, torch.stack(
        [torch.ones(rows.shape[1], dtype=kind) if factors is None else factors for _, factors in batches]
    )


def _batches(member: Member, epoch: int) -> list[tuple[Tensor, Tensor | None]]:
    """Rows of each batch, and the factors of their losses."""
    batches = member.row_batches()
    batches.set_epoch(epoch)
    order = [batch for batch in batches if isinstance(batch, Tensor)]
    sizes, together = [len(batch) for batch in order], torch.cat(order)
    rows = torch.from_numpy(member.split.train)[together].split_with_sizes(sizes)
    factors = member.factors
    if factors is None:
        return [(of_batch, None) for of_batch in rows]
    return list(zip(rows, factors[together].split_with_sizes(sizes), strict=True))
