"""Members whose losses and metrics are computed together, by the methods of one model."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from torch import Tensor

from perceptron.models import TaskModule
from perceptron.population.member import Member


class ScoringGroups:
    """Which neighbouring members share the settings and scalings of losses and metrics.

    Args:
        members: in the order of their stacks.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        numbers: dict[Any, int] = {}
        self._models = [member.model for member in members]
        self._groups = [numbers.setdefault(_scoring_settings(model), len(numbers)) for model in self._models]
        self._of_all: list[tuple[TaskModule, slice]] | None = None

    def slices(self, members: Tensor | None) -> list[tuple[TaskModule, slice]]:
        """Slices of neighbours in one group, each with a model that computes for all of them.

        Args:
            members: positions ``(m,)`` int64 of the members that are asked for; None for all.
        """
        if members is not None:
            return self._slices_of(members.tolist())
        if self._of_all is None:
            self._of_all = self._slices_of(range(len(self._groups)))
        return self._of_all

    def keep(self, positions: Sequence[int]) -> None:
        """Remove all other members."""
        self._models = [self._models[i] for i in positions]
        self._groups = [self._groups[i] for i in positions]
        self._of_all = None

    def _slices_of(self, positions: Iterable[int]) -> list[tuple[TaskModule, slice]]:
        slices = []
        start = 0
        for _, neighbours in groupby(positions, key=self._groups.__getitem__):
            first, *others = neighbours
            stop = start + 1 + len(others)
            slices.append((self._models[first], slice(start, stop)))
            start = stop
        return slices


def _scoring_settings(model: TaskModule) -> tuple[Any, ...]:
    """The settings of a model on which its losses and metrics depend, beside its network's outputs."""
    settings = tuple(getattr(model, name, None) for name in ("threshold", "label_smoothing"))
    scaling = getattr(model, "standardize_target", None)
    buffers = () if scaling is None else (*scaling.mean.tolist(), *scaling.scale.tolist())
    return type(model), settings, buffers
