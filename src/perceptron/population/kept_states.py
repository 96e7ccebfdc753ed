"""The states of members that are kept: the best by each of their checkpoint rules, one or several, and the last."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from perceptron.population.checkpoints import Snapshots
from perceptron.population.member import Member
from perceptron.population.stacked_optimizer import StackedOptimizer


class KeptStates:
    """The states of the members of a cohort that are written to files, or reported.

    Args:
        members: in the order of the stacks at the start.

    Attributes:
        best: of each checkpoint rule.
        last: at the end of each member's training.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        self.best = [BestStates(members, number) for number in range(len(members[0].checkpoints))]
        self.last = Snapshots(members, are_last=True)

    def reported(self, number: int) -> Snapshots | None:
        """The states among which is that whose weights a member reports; None if its rules have kept none.

        Args:
            number: of the member among those that the cohort began with.
        """
        member = self._members[number]
        rule = member.rule
        return None if rule is None else self.best[member.checkpoints.index(rule)].best(number)

    def reported_weights(self, numbers: Sequence[int]) -> dict[str, Tensor]:
        """The stacked weights that members report: those that a rule has kept, or the last.

        Args:
            numbers: of the members, in their order in the stacks.
        """
        kept = [self.reported(number) or self.last for number in numbers]
        state: dict[str, Tensor] = {}
        for states in dict.fromkeys(kept):
            positions = [position for position, own in enumerate(kept) if own is states]
            for name, stack in states.network.items():
                chosen = torch.tensor([numbers[position] for position in positions], device=stack.device)
                found = state.setdefault(name, stack.new_empty(len(kept), *stack.shape[1:]))
                found[torch.tensor(positions, device=stack.device)] = stack[chosen]
        return state

    def write(self, number: int, kind: type[StackedOptimizer], extra: Mapping[str, Any]) -> None:
        """Write a member's checkpoints; see ``Snapshots.write``."""
        for best in self.best:
            best.write(number, kind, extra)
        self.last.write(number, kind, extra)


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
