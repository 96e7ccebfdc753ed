"""The optimizers that most sweeps use, with tensors of the members' settings: one update whatever the rates.

SGD, Adam and AdamW are elementwise, so a stack of parameters with stacked settings is updated exactly as each member
alone; torch's own classes take one number for all parameters.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from perceptron.population.stacked_optimizer import StackedOptimizer, state_of_parameters

# By the number of dimensions of a stack and by name; None for a factor without effect.
_Factors = dict[int, dict[str, Tensor | None]]
_SETTINGS = {SGD: ("lr", "momentum", "weight_decay"), Adam: ("lr", "weight_decay", "eps", "beta1", "beta2")}


class PerMemberOptimizer(StackedOptimizer, ABC):
    """An update rule in which every setting is a tensor of the members' values. Abstract."""

    settings: tuple[str, ...]
    # Whether the factors of an update change with every step, not only with the settings.
    changes_by_step: bool
    # Names of the state tensors of each parameter.
    state_names: tuple[str, ...]

    def refresh(self) -> None:
        """See ``StackedOptimizer``."""
        of_members = [_settings(optimizer) for optimizer in self.members]
        self.values = {
            name: torch.tensor([values[name] for values in of_members], dtype=torch.float64) for name in self.settings
        }
        self._constant: _Factors | None = None

    def _update_members(self, active: Tensor | None, on_cpu: Tensor | None) -> None:
        factors = self._shaped_factors(on_cpu)
        for parameter in self.parameters:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            for name in self.state_names:
                if name not in state:
                    state[name] = torch.zeros_like(parameter)
            stacks = [parameter.data, parameter.grad, *(state[name] for name in self.state_names)]
            if active is not None:
                stacks = [stack[active] for stack in stacks]
            self._update(stacks[0], stacks[1], stacks[2:], factors[parameter.ndim])
            if active is not None:
                parameter.data.index_copy_(0, active, stacks[0])
                for name, stack in zip(self.state_names, stacks[2:], strict=True):
                    state[name].index_copy_(0, active, stack)

    def _shaped_factors(self, active: Tensor | None) -> _Factors:
        """The members' factors, shaped for stacks of each number of dimensions."""
        if active is None and self._constant is not None:
            return self._constant
        factors = self._factors(active)
        shaped = {
            parameter.ndim: {
                name: None if value is None else value.to(parameter).view(-1, *[1] * (parameter.ndim - 1))
                for name, value in factors.items()
            }
            for parameter in self.parameters
        }
        if active is None and not self.changes_by_step:
            self._constant = shaped
        return shaped

    @abstractmethod
    def _factors(self, active: Tensor | None) -> dict[str, Tensor | None]:
        """The factors of an update, ``(m,)`` float64 each, of the members in ``active``; of all if it is None."""

    @abstractmethod
    def _update(self, values: Tensor, grad: Tensor, state: list[Tensor], by: Mapping[str, Tensor | None]) -> None:
        """Update the values and their state tensors in place."""

    def _values_of(self, active: Tensor | None) -> dict[str, Tensor]:
        return self.values if active is None else {name: value[active] for name, value in self.values.items()}

    def _keep_state(self, members: Tensor) -> None:
        for parameter in self.parameters:
            for name, stack in self.state[parameter].items():
                self.state[parameter][name] = stack[members]

    def _state_stacks(self) -> dict[str, Tensor]:
        return {
            f"{number}/{name}": stack
            for number, parameter in enumerate(self.parameters)
            for name, stack in self.state[parameter].items()
        }

    @classmethod
    def member_state(cls, stacks: Mapping[str, Tensor], member: int, optimizer: Optimizer) -> dict[int, dict[str, Any]]:
        """See ``StackedOptimizer``."""
        return cls._complete(state_of_parameters(stacks, member, optimizer), float(stacks["steps"][member]), optimizer)

    @classmethod
    @abstractmethod
    def _complete(
        cls, state: dict[int, dict[str, Any]], steps: float, optimizer: Optimizer
    ) -> dict[int, dict[str, Any]]:
        """The state in the form of torch's own class."""


class StackedSGD(PerMemberOptimizer):
    """``torch.optim.SGD``: (Nesterov) momentum and weight decay."""

    settings = _SETTINGS[SGD]
    changes_by_step = False

    def __init__(self, parameters: Sequence[nn.Parameter], members: Sequence[Optimizer]) -> None:
        self.nesterov = members[0].param_groups[0]["nesterov"]
        has_momentum = any(optimizer.param_groups[0]["momentum"] for optimizer in members)
        self.state_names = ("momentum_buffer",) if has_momentum else ()
        super().__init__(parameters, members)

    def _factors(self, active: Tensor | None) -> dict[str, Tensor | None]:
        values = self._values_of(active)
        decay = values["weight_decay"]
        return {"lr": values["lr"], "momentum": values["momentum"], "decay": decay if decay.any() else None}

    def _update(self, values: Tensor, grad: Tensor, state: list[Tensor], by: Mapping[str, Tensor | None]) -> None:
        if by["decay"] is not None:
            grad = torch.addcmul(grad, values, by["decay"])
        for buffer in state:
            buffer.mul_(by["momentum"]).add_(grad)  # type: ignore[arg-type]
            grad = torch.addcmul(grad, buffer, by["momentum"]) if self.nesterov else buffer  # type: ignore[arg-type]
        values.addcmul_(grad, by["lr"], value=-1)  # type: ignore[arg-type]

    @classmethod
    def _complete(
        cls,
        state: dict[int, dict[str, Any]],
        steps: float,  # noqa: ARG003
        optimizer: Optimizer,
    ) -> dict[int, dict[str, Any]]:
        return state if optimizer.param_groups[0]["momentum"] else {}


class StackedAdam(PerMemberOptimizer):
    """``torch.optim.Adam`` and ``AdamW`` (Kingma and Ba 2015; Loshchilov and Hutter 2019)."""

    settings = _SETTINGS[Adam]
    changes_by_step = True
    state_names = ("exp_avg", "exp_avg_sq")

    def __init__(self, parameters: Sequence[nn.Parameter], members: Sequence[Optimizer]) -> None:
        self.decoupled = members[0].param_groups[0]["decoupled_weight_decay"]
        super().__init__(parameters, members)

    def _factors(self, active: Tensor | None) -> dict[str, Tensor | None]:
        values = self._values_of(active)
        steps = self.steps if active is None else self.steps[active]
        # lr / c1 * m / (sqrt(v) / c2 + eps), multiplied out by c2 to save a pass over the parameters.
        root = (1 - values["beta2"] ** steps).sqrt()
        decay = values["weight_decay"]
        factor = (1 - values["lr"] * decay) if self.decoupled else decay
        return {
            "decay": factor if decay.any() else None,
            "new1": 1 - values["beta1"],
            "old2": values["beta2"],
            "new2": 1 - values["beta2"],
            "eps": values["eps"] * root,
            "rate": values["lr"] / (1 - values["beta1"] ** steps) * root,
        }

    def _update(self, values: Tensor, grad: Tensor, state: list[Tensor], by: Mapping[str, Any]) -> None:
        if by["decay"] is not None:
            if self.decoupled:
                values.mul_(by["decay"])
            else:
                grad = torch.addcmul(grad, values, by["decay"])
        mean, square = state
        mean.lerp_(grad, by["new1"])
        square.mul_(by["old2"]).addcmul_(grad * by["new2"], grad)
        direction = torch.sqrt(square).add_(by["eps"])
        torch.div(mean, direction, out=direction)
        values.addcmul_(direction, by["rate"], value=-1)

    @classmethod
    def _complete(
        cls,
        state: dict[int, dict[str, Any]],
        steps: float,
        optimizer: Optimizer,  # noqa: ARG003
    ) -> dict[int, dict[str, Any]]:
        return {number: {"step": torch.tensor(steps, dtype=torch.float32)} | own for number, own in state.items()}


def _settings(optimizer: Optimizer) -> dict[str, float]:
    group = optimizer.param_groups[0]
    values: dict[str, float] = {
        name: float(group[name]) for name in ("lr", "momentum", "weight_decay", "eps") if name in group
    }
    if "betas" in group:
        values |= {"beta1": float(group["betas"][0]), "beta2": float(group["betas"][1])}
    return values
