"""The base of the optimizers of many models: one for all members, which hold the settings."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from perceptron.population.padding import trimmed


class StackedOptimizer(Optimizer, ABC):
    """The optimizers of all members as one. Abstract.

    The members' own optimizers only hold the settings, which their schedules change.

    Args:
        parameters: ``(members, ...)`` each.
        members: one optimizer per member, of one class.

    Attributes:
        members: the same.
        steps: ``(members,)`` float64 taken so far.
        active: positions ``(m,)`` int64 of the members that the next update is for; None for all.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], members: Sequence[Optimizer]) -> None:
        super().__init__(parameters, {"lr": 1.0})
        self.members = list(members)
        self.steps = torch.zeros(len(members), dtype=torch.float64)
        self.active: Tensor | None = None
        self.refresh()

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The stacks."""
        stacks: list[nn.Parameter] = self.param_groups[0]["params"]
        return stacks

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """``update`` with torch's hooks and profiler record around it, which take 50 µs (measured)."""
        result = None if closure is None else closure()
        self.update()
        return result

    @torch.no_grad()
    def update(self) -> None:
        """Update the members in ``active``; all if it is None."""
        on_cpu = None if self.active is None else self.active.cpu()
        if on_cpu is None:
            self.steps += 1
        else:
            self.steps[on_cpu] += 1
        self._update_members(self.active, on_cpu)

    def keep(self, members: Tensor) -> None:
        """Remove all other members, before their parameters are removed.

        Args:
            members: positions ``(m,)`` int64 of those that stay.
        """
        self._keep_state(members)
        self.steps = self.steps[members.cpu()]
        self.members = [self.members[i] for i in members.tolist()]
        self.refresh()

    def stacks(self) -> dict[str, Tensor]:
        """The state tensors ``(members, ...)`` under ``<parameter>/<name>``, and ``steps``; not copied."""
        return {"steps": self.steps} | self._state_stacks()

    @abstractmethod
    def refresh(self) -> None:
        """Read the members' settings again, after their schedules have changed them."""

    @abstractmethod
    def _update_members(self, active: Tensor | None, on_cpu: Tensor | None) -> None:
        """Update some members in place.

        Args:
            active: their positions; None for all.
            on_cpu: the same on the CPU.
        """

    @abstractmethod
    def _keep_state(self, members: Tensor) -> None:
        """Remove the state of all other members."""

    @abstractmethod
    def _state_stacks(self) -> dict[str, Tensor]:
        """The state tensors by parameter and name; see ``stacks``."""

    @classmethod
    @abstractmethod
    def member_state(cls, stacks: Mapping[str, Tensor], member: int, optimizer: Optimizer) -> dict[int, dict[str, Any]]:
        """The state that a member's own optimizer would have, in the form of ``state_dict()["state"]``.

        Args:
            stacks: by ``stacks``.
            member: its position in them.
            optimizer: its own.
        """


def state_of_parameters(stacks: Mapping[str, Tensor], member: int, optimizer: Optimizer) -> dict[int, dict[str, Any]]:
    """A member's part of all state tensors, copied and without padding, by number of the parameter and name.

    Args:
        stacks: of all members.
        member: its position in them.
        optimizer: its own, of parameters without padding.
    """
    state: dict[int, dict[str, Any]] = {}
    shapes = [parameter.shape for parameter in optimizer.param_groups[0]["params"]]
    for key, stack in stacks.items():
        if key != "steps":
            number, _, name = key.partition("/")
            own, shape = stack[member], shapes[int(number)]
            own = trimmed(own, shape) if own.ndim == len(shape) else own
            state.setdefault(int(number), {})[name] = own.clone().cpu()
    return state
