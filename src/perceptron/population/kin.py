"""Members whose losses and metrics are computed together, by one model's methods."""

from collections.abc import Sequence
from typing import Any

from perceptron.models import TaskModule
from perceptron.population.member import Member


def kin_numbers(members: Sequence[Member]) -> list[int]:
    """A number for each member; those with the same are scored by the same settings and scalings."""
    numbers: dict[Any, int] = {}
    return [numbers.setdefault(kin_key(member.model), len(numbers)) for member in members]


def kin_key(model: TaskModule) -> tuple[Any, ...]:
    """What losses and metrics of a model depend on beside its network's outputs."""
    settings = tuple(getattr(model, name, None) for name in ("threshold", "label_smoothing"))
    scaling = getattr(model, "standardize_target", None)
    buffers = () if scaling is None else (*scaling.mean.tolist(), *scaling.scale.tolist())
    return type(model), settings, buffers
