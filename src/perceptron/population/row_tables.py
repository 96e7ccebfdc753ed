"""The tables of a cohort's members as one, whose rows every member finds by its own numbers."""

import warnings
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from perceptron.population.member import Member
from perceptron.population.padding import padded

# Numbers of standardised tables that a cohort may have: 64 MiB.
_MOST_COPIED = 2**24


class TableTensors:
    """Tensors of tables, each made once for all cohorts of a population."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Tensor] = {}

    def target(self, member: Member) -> Tensor:
        """Labels int64, other targets in the member's precision."""
        table = member.datamodule.table
        return self._once(("target", id(table)), lambda: _tensor(table.target, member))

    def features(self, member: Member, *, standardized: bool) -> Tensor:
        """Features in the member's precision."""
        table = member.datamodule.table
        if standardized:
            standardize = member.model.standardize
            return self._once(standardization(member), lambda: standardize(_tensor(table.features, member)))
        return self._once(("features", id(table)), lambda: _tensor(table.features, member))

    def _once(self, key: Hashable, make: Callable[[], Tensor]) -> Tensor:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


class RowTables(nn.Module):
    """The distinct tables of some members, one behind the other.

    Members on one table of numbers share it. Those whose columns are encoded by their own training rows share a table
    where they have the same split. Small tables are standardised once for each standardisation.

    Args:
        members: their tables have as many targets; those with fewer features are padded with zeros.
        tensors: of the population's tables.

    Attributes:
        features: ``(n_rows, n_features)`` in the members' precision.
        target: ``(n_rows, ...)`` of the same rows: labels int64, others in the members' precision.
        is_standardized: whether the features are.
    """

    features: Tensor
    target: Tensor

    def __init__(self, members: Sequence[Member], tensors: TableTensors) -> None:
        super().__init__()
        sizes = {standardization(member): member.datamodule.table.features.size for member in members}
        self.is_standardized = sum(sizes.values()) <= _MOST_COPIED
        # First row of each table, and of each member's.
        starts: dict[Hashable, int] = {}
        self._starts: dict[Member, int] = {}
        features, targets, n_rows = [], [], 0
        for member in members:
            key = standardization(member) if self.is_standardized else id(member.datamodule.table)
            if key not in starts:
                starts[key] = n_rows
                n_rows += len(member.datamodule.table)
                features.append(tensors.features(member, standardized=self.is_standardized))
                targets.append(tensors.target(member))
            self._starts[member] = starts[key]
        width = max(table.shape[1] for table in features)
        features = [padded(table, (len(table), width)) for table in features]
        self.register_buffer("features", _joined(features), persistent=False)
        self.register_buffer("target", _joined(targets), persistent=False)

    def rows(self, member: Member, split: str) -> Tensor:
        """Numbers ``(n,)`` int64 of a member's rows of a split, on the CPU."""
        return torch.from_numpy(member.split.rows(split)) + self._starts[member]


def standardization(member: Member) -> Hashable:
    """What a member's standardised features depend on: its table, means and scales."""
    scaling = member.model.standardize
    return id(member.datamodule.table), *(tuple(each.tolist()) for each in (scaling.mean, scaling.scale))


def _tensor(values: npt.NDArray[Any], member: Member) -> Tensor:
    with warnings.catch_warnings():
        # Nothing writes to it.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        tensor = torch.from_numpy(values)
    # Classes stay whole numbers.
    return tensor.to(next(member.model.network.parameters()).dtype) if tensor.is_floating_point() else tensor


def _joined(tables: list[Tensor]) -> Tensor:
    return tables[0] if len(tables) == 1 else torch.cat(tables)
