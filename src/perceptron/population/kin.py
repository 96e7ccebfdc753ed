"""Members whose losses and metrics are computed together, by one model's methods."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from torch import Tensor

from perceptron.models import TaskModule
from perceptron.population.member import Member


class Kin:
    """Which neighbours among members are scored by the same settings and scalings.

    Args:
        members: in the order of their stacks.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        numbers: dict[Any, int] = {}
        self._models = [member.model for member in members]
        self._numbers = [numbers.setdefault(_key(model), len(numbers)) for model in self._models]
        self._of_all: list[tuple[TaskModule, slice]] | None = None

    def runs(self, members: Tensor | None) -> list[tuple[TaskModule, slice]]:
        """Runs of neighbours, each with the model that speaks for them.

        Args:
            members: positions ``(m,)`` int64 of those that are asked for, all where it is None.
        """
        if members is not None:
            return self._runs_of(members.tolist())
        if self._of_all is None:
            self._of_all = self._runs_of(range(len(self._numbers)))
        return self._of_all

    def keep(self, positions: Sequence[int]) -> None:
        """Let the others go."""
        self._models = [self._models[i] for i in positions]
        self._numbers = [self._numbers[i] for i in positions]
        self._of_all = None

    def _runs_of(self, positions: Iterable[int]) -> list[tuple[TaskModule, slice]]:
        runs = []
        start = 0
        for _, run in groupby(positions, key=self._numbers.__getitem__):
            first, *others = run
            stop = start + 1 + len(others)
            runs.append((self._models[first], slice(start, stop)))
            start = stop
        return runs


def _key(model: TaskModule) -> tuple[Any, ...]:
    """What losses and metrics of a model depend on beside its network's outputs."""
    settings = tuple(getattr(model, name, None) for name in ("threshold", "label_smoothing"))
    scaling = getattr(model, "standardize_target", None)
    buffers = () if scaling is None else (*scaling.mean.tolist(), *scaling.scale.tolist())
    return type(model), settings, buffers
