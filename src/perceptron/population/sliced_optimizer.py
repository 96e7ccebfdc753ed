"""Any elementwise optimizer of torch for many models: torch's own class over slices of the stacks.

Members with equal settings form a parameter group, whose parameters are their slices of the stacks. An update that
combines no elements gives each of them what the member's own optimizer would.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from perceptron.population.stacked_optimizer import StackedOptimizer, state_of_parameters


class SlicedOptimizer(StackedOptimizer):
    """An elementwise optimizer of torch with any of its arguments; see the module."""

    def __init__(self, parameters: Sequence[nn.Parameter], members: Sequence[Optimizer]) -> None:
        # Of all members, as of the last time that the slices were given up.
        self._kept: dict[str, Tensor] = {}
        # Names of numbers that each parameter of a member has one of, such as a count of steps.
        self._scalars: set[str] = set()
        self._slices: _Slices | None = None
        super().__init__(parameters, members)

    def refresh(self) -> None:
        """See ``StackedOptimizer``."""
        if self._slices is not None and not self._slices.take_settings(self.members):
            self._give_up_slices()

    def _update_members(self, active: Tensor | None, on_cpu: Tensor | None) -> None:  # noqa: ARG002
        if on_cpu is None:
            self._slices = self._slices or self._sliced(range(len(self.members)))
            self._slices.step(self.parameters)
            return
        self._give_up_slices()
        some = self._sliced(on_cpu.tolist())
        some.step(self.parameters)
        self._store(some)

    def _sliced(self, positions: Iterable[int]) -> "_Slices":
        """Slices of some members, with their state; those whose counts of steps differ are none of one group."""
        groups: dict[Hashable, list[int]] = {}
        for position in positions:
            counts = tuple(float(self._kept[name][position]) for name in sorted(self._scalars))
            key = counts, _hashable(_settings(self.members[position]))
            groups.setdefault(key, []).append(position)
        return _Slices(self.parameters, self.members, list(groups.values()), self._kept, self._scalars)

    def _give_up_slices(self) -> None:
        if self._slices is not None:
            self._store(self._slices)
            self._slices = None

    def _store(self, slices: "_Slices") -> None:
        for positions, name, value, is_scalar in slices.state():
            if name not in self._kept:
                shape = () if is_scalar else value.shape[1:]
                self._kept[name] = value.new_zeros(len(self.members), *shape)
                self._scalars |= {name} if is_scalar else set()
            self._kept[name][torch.tensor(positions, device=value.device)] = value

    def _keep_state(self, members: Tensor) -> None:
        self._give_up_slices()
        self._kept = {name: stack[members.to(stack.device)] for name, stack in self._kept.items()}

    def _state_stacks(self) -> dict[str, Tensor]:
        if self._slices is not None:
            self._store(self._slices)
        return dict(self._kept)

    @classmethod
    def member_state(cls, stacks: Mapping[str, Tensor], member: int, optimizer: Optimizer) -> dict[int, dict[str, Any]]:
        """See ``StackedOptimizer``."""
        names = _state_names(optimizer)
        state = {
            number: {name: own[name] for name in names if name in own}
            for number, own in state_of_parameters(stacks, member, optimizer).items()
        }
        return {number: own for number, own in state.items() if own}


class _Slices:
    """torch's optimizer over slices of the stacks.

    Args:
        stacks: parameters ``(members, ...)``.
        members: their own optimizers.
        groups: positions of members with equal settings.
        kept: their state ``(members, ...)`` by parameter and name; empty before the first step.
        scalars: names of those that are a number for each member.
    """

    def __init__(
        self,
        stacks: Sequence[nn.Parameter],
        members: Sequence[Optimizer],
        groups: Sequence[list[int]],
        kept: Mapping[str, Tensor],
        scalars: set[str],
    ) -> None:
        self._groups = groups
        self._where = [_slice(positions) or torch.tensor(positions, device=stacks[0].device) for positions in groups]
        of_groups = [_settings(members[positions[0]]) for positions in groups]
        self._optimizer = _like(
            members[0],
            [
                {"params": [nn.Parameter(stack.data[where]) for stack in stacks], **settings}
                for settings, where in zip(of_groups, self._where, strict=True)
            ],
        )
        for positions, parts in self._parts():
            names = _state_names(members[positions[0]])
            for number, part in enumerate(parts):
                own = {name: kept[f"{number}/{name}"] for name in names if f"{number}/{name}" in kept}
                for name, stack in own.items():
                    is_scalar = f"{number}/{name}" in scalars
                    chosen = positions[0] if is_scalar else torch.tensor(positions, device=stack.device)
                    self._optimizer.state[part][name] = stack[chosen].clone()

    def take_settings(self, members: Sequence[Optimizer]) -> bool:
        """Take the members' present settings; False if they are no longer equal within each group."""
        for positions, group in zip(self._groups, self._optimizer.param_groups, strict=True):
            first, *others = (_settings(members[position]) for position in positions)
            if any(other != first for other in others):
                return False
            group.update(first)
        return True

    def step(self, stacks: Sequence[nn.Parameter]) -> None:
        """Update the stacks."""
        for where, (_, parts) in zip(self._where, self._parts(), strict=True):
            for stack, part in zip(stacks, parts, strict=True):
                part.grad = None if stack.grad is None else stack.grad[where]
        self._optimizer.step()
        for where, (_, parts) in zip(self._where, self._parts(), strict=True):
            if isinstance(where, Tensor):
                for stack, part in zip(stacks, parts, strict=True):
                    stack.data.index_copy_(0, where, part.data)

    def state(self) -> list[tuple[list[int], str, Tensor, bool]]:
        """Positions of members, parameter and name, their state, and whether it is one number for all of them."""
        return [
            (positions, f"{number}/{name}", value, value.ndim == 0)
            for positions, parts in self._parts()
            for number, part in enumerate(parts)
            for name, value in self._optimizer.state.get(part, {}).items()
        ]

    def _parts(self) -> list[tuple[list[int], list[nn.Parameter]]]:
        return [
            (positions, group["params"])
            for positions, group in zip(self._groups, self._optimizer.param_groups, strict=True)
        ]


def _like(optimizer: Optimizer, groups: list[dict[str, Any]]) -> Optimizer:
    """An optimizer of the same class for other parameter groups.

    What a class reads off its arguments alone, as Adagrad the start of its sums, is the same for all groups.
    """
    kind: Any = type(optimizer)
    taken = signature(kind).parameters
    made: Optimizer = kind(groups, **{name: value for name, value in _settings(optimizer).items() if name in taken})
    return made


def _settings(optimizer: Optimizer) -> dict[str, Any]:
    """The arguments of an optimizer, as its schedule has changed them."""
    group = optimizer.param_groups[0]
    return {name: group[name] for name in optimizer.defaults}


def _hashable(settings: Mapping[str, Any]) -> Hashable:
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in settings.items())


def _state_names(optimizer: Optimizer) -> list[str]:
    """Names of what an optimizer remembers of a parameter with these settings, in torch's order."""
    one = nn.Parameter(torch.ones(1))
    of_one = _like(optimizer, [{"params": [one], **_settings(optimizer)}])
    one.grad = torch.ones(1)
    of_one.step()
    return list(of_one.state[one])


def _slice(positions: Sequence[int]) -> slice | None:
    """Neighbouring positions as a slice, which torch takes a contiguous view of; None for others."""
    start, stop = positions[0], positions[-1] + 1
    return slice(start, stop) if list(positions) == list(range(start, stop)) else None
