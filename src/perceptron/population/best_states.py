"""The states that the members' checkpoint rules keep: the best one of each member, or several."""

from collections.abc import Mapping, Sequence
from typing import Any

from perceptron.population.checkpoints import Snapshots
from perceptron.population.member import Member
from perceptron.population.stacked_optimizer import StackedOptimizer


class BestStates:
    """What one rule of each member has kept, a slot for each of the files that a rule keeps at a time.

    Args:
        members: all of the population, in the order of the stacks at the start.
        rule: index into each member's ``checkpoints``.
    """

    def __init__(self, members: Sequence[Member], rule: int) -> None:
        self._members = members
        self._rule = rule
        self._slots: list[Snapshots] = []

    def slot_for(self, number: int, path: str) -> Snapshots:
        """The slot for a state that a member's rule has taken up under a path.

        It is that of the state with the same path, or of one that the rule has given up.
        """
        kept = self._members[number].checkpoints[self._rule].best_k_models
        same = next((slot for slot in self._slots if slot.path(number) == path), None)
        free = (slot for slot in self._slots if slot.path(number) not in kept)
        slot = same or next(free, None)
        if slot is None:
            slot = Snapshots(self._members)
            self._slots.append(slot)
        return slot

    def best(self, number: int) -> Snapshots | None:
        """The slot of a member's best state; None if its rule has kept none."""
        path = self._members[number].checkpoints[self._rule].best_model_path
        return next((slot for slot in self._slots if path and slot.path(number) == path), None)

    def write(self, number: int, kind: type[StackedOptimizer], extra: Mapping[str, Any]) -> None:
        """Write a member's checkpoints; see ``Snapshots.write``."""
        kept = self._members[number].checkpoints[self._rule].best_k_models
        for slot in self._slots:
            if slot.path(number) in kept:
                slot.write(number, kind, extra)
