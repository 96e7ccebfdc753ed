"""The rows that each member of a population sees in each step."""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

import torch
from torch import Tensor

from perceptron.population.member import Member
from perceptron.population.row_tables import RowTables


class Part(NamedTuple):
    """Members whose batches of a step have the same size.

    Attributes:
        members: ``(m,)`` int64 positions among the living; None for all of them.
        rows: ``(m, batch)`` int64 rows of the members' tables.
        target: ``(m, batch, ...)`` of these rows.
        factors: ``(m, batch)`` of the rows' losses in training; None for 1.
    """

    members: Tensor | None
    rows: Tensor
    target: Tensor
    factors: Tensor | None


def epoch_steps(
    members: Sequence[Member], epoch: int, tables: RowTables, n_batches: Sequence[int]
) -> Iterator[list[Part]]:
    """The steps of an epoch, of one part each; of several at its end if folds differ in size.

    A member whose epoch is over takes no part in the remaining steps of others.

    Args:
        members: those in training, in the order of the stack.
        epoch: its number.
        tables: theirs, on the device where the parts are needed.
        n_batches: that each of them takes in the epoch.
    """
    if not members:
        return
    sizes = [member.row_batches().sizes()[:count] for member, count in zip(members, n_batches, strict=True)]
    orders = [_order(member, epoch, tables) for member in members]
    target = tables.target
    # Steps in which all members have the same number of rows: one slice of each member's order.
    n_alike = sum(1 for _ in takewhile(lambda of_step: len(set(of_step)) == 1, zip(*sizes, strict=False)))
    n_rows = sum(sizes[0][:n_alike])
    whole = _part(None, [(rows[:n_rows], None if own is None else own[:n_rows]) for rows, own in orders], target)
    columns = (
        [None] * n_alike if column is None else column.split_with_sizes(sizes[0][:n_alike], dim=1)
        for column in (whole.rows, whole.target, whole.factors)
    )
    for rows, targets, factors in zip(*columns, strict=True):
        yield [Part(None, rows, targets, factors)]
    for step in range(n_alike, max(map(len, sizes))):
        by_size: dict[int, list[int]] = {}
        for position, of_member in enumerate(sizes):
            if step < len(of_member):
                by_size.setdefault(of_member[step], []).append(position)
        yield [
            _part(
                _positions(positions, members),
                [_batch(orders[position], sizes[position], step) for position in positions],
                target,
            )
            for positions in by_size.values()
        ]


def split_parts(members: Sequence[Member], split: str, tables: RowTables) -> list[Part]:
    """All rows of a split of each member, in a part for each number of rows; none for empty splits.

    Args:
        members: to score, in the order of the stack.
        split: its name.
        tables: theirs, on the device where the parts are needed.
    """
    by_size: dict[int, list[int]] = {}
    for position, member in enumerate(members):
        by_size.setdefault(len(member.split.rows(split)), []).append(position)
    by_size.pop(0, None)
    return [
        _part(
            _positions(positions, members),
            [(tables.rows(members[position], split), None) for position in positions],
            tables.target,
        )
        for positions in by_size.values()
    ]


def _positions(positions: list[int], members: Sequence[Member]) -> Tensor | None:
    return None if len(positions) == len(members) else torch.tensor(positions)


def _part(members: Tensor | None, batches: list[tuple[Tensor, Tensor | None]], target: Tensor) -> Part:
    """Rows of several members and factors of their losses; 1 for a member without factors beside others with them."""
    device = target.device
    rows = torch.stack([rows for rows, _ in batches])
    kind = next((factors.dtype for _, factors in batches if factors is not None), None)
    factors = None
    if kind is not None:
        alike = torch.ones(rows.shape[1], dtype=kind)
        factors = torch.stack([alike if own is None else own for _, own in batches]).to(device)
    rows = rows.to(device)
    return Part(None if members is None else members.to(device), rows, target[rows], factors)


def _order(member: Member, epoch: int, tables: RowTables) -> tuple[Tensor, Tensor | None]:
    """Rows of all batches of an epoch, concatenated, and the factors of their losses."""
    batches = member.row_batches()
    batches.set_epoch(epoch)
    order = batches.order()
    return tables.rows(member, "train")[order], None if member.factors is None else member.factors[order]


def _batch(order: tuple[Tensor, Tensor | None], sizes: Sequence[int], step: int) -> tuple[Tensor, Tensor | None]:
    start = sum(sizes[:step])
    rows, factors = (None if column is None else column[start : start + sizes[step]] for column in order)
    assert rows is not None  # noqa: S101
    return rows, factors
