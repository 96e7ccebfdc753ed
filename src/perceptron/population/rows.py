"""Which rows every member of a population sees in each step."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from perceptron.population.member import Member


class Part(NamedTuple):
    """Members whose batches of a step are of one size.

    Attributes:
        members: ``(m,)`` int64 positions among the living; None for all of them.
        rows: ``(m, batch)`` int64 rows of the shared table.
    """

    members: Tensor | None
    rows: Tensor


# Steps that Lightning is handed at once; between them a signal is heard and the progress bar moves.
STEPS_AT_ONCE = 64


class PopulationRows:
    """Steps of an epoch, ``STEPS_AT_ONCE`` in a list.

    Each is a list of ``Part``s: one, save at the end of an epoch where folds differ in size.

    A member whose epoch is over takes no part in the steps that others still have.

    Args:
        living: gives the members that are still trained, in the stack's order.
        epoch: gives the number of the epoch.
    """

    def __init__(self, living: Callable[[], Sequence[Member]], epoch: Callable[[], int]) -> None:
        self._living = living
        self._epoch = epoch
        # The first members' longest epoch: Lightning asks once.
        self.n_steps = max(len(member.row_batches()) for member in living())

    def __len__(self) -> int:
        return -(-self.n_steps // STEPS_AT_ONCE)

    def __iter__(self) -> Iterator[list[list[Part]]]:
        steps = self._steps()
        while some := list(islice(steps, STEPS_AT_ONCE)):
            yield some

    def _steps(self) -> Iterator[list[Part]]:
        of_members = [_batches(member, self._epoch()) for member in self._living()]
        for step in range(self.n_steps):
            by_size: dict[int, list[int]] = {}
            for position, batches in enumerate(of_members):
                if step < len(batches):
                    by_size.setdefault(len(batches[step]), []).append(position)
            yield [
                Part(
                    None if len(positions) == len(of_members) else torch.tensor(positions),
                    torch.stack([of_members[position][step] for position in positions]),
                )
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
            None if len(positions) == len(members) else torch.tensor(positions),
            torch.stack([torch.from_numpy(members[position].split.rows(split)) for position in positions]),
        )
        for positions in by_size.values()
    ]


def _batches(member: Member, epoch: int) -> list[Tensor]:
    batches = member.row_batches()
    batches.set_epoch(epoch)
    rows = torch.from_numpy(member.split.train)
    order = [batch for batch in batches if isinstance(batch, Tensor)]
    return list(torch.split(rows[torch.cat(order)], [len(batch) for batch in order]))
