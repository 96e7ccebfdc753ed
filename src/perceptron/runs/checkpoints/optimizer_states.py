"""Checks of stored optimizer and schedule states against new ones with the same settings, before they are loaded."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch

from perceptron.errors import UsageError, reason


def check_states(
    checkpoint: Mapping[str, Any], optimizer: torch.optim.Optimizer, schedule: Any | None, *, where: str
) -> None:
    """Check the states in a checkpoint, and load the optimizer's on trial.

    torch's schedules accept any mapping as their attributes, and its optimizers any values as their settings: a wrong
    value fails at a later step, or silently changes the training.

    Args:
        checkpoint: checked by ``check_resumable``.
        optimizer: a new one with the training's settings; its state changes.
        schedule: a new one; None for a constant rate.
        where: path of the checkpoint, for messages.

    Raises:
        UsageError: if such an optimizer and schedule do not store these.
    """
    states = checkpoint["optimizer_states"]
    if len(states) != 1:
        raise UsageError(
            f"a checkpoint must hold the state of one optimizer, got {len(states)} in {where}; name another"
        )
    stored, fresh = states[0], optimizer.state_dict()
    of_schedule = [] if schedule is None else [schedule.state_dict()]
    differs = _difference(stored["param_groups"], fresh["param_groups"], "optimizer_states[0].param_groups")
    differs = differs or _difference(checkpoint["lr_schedulers"], of_schedule, "lr_schedulers")
    differs = differs or _hidden(checkpoint["lr_schedulers"], of_schedule, schedule)
    if differs:
        raise UsageError(
            f"a checkpoint must hold the state of its optimizer and schedule, got {differs} in {where}; name another"
        )
    try:
        optimizer.load_state_dict(deepcopy(stored))
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise UsageError(
            f"a checkpoint must hold its optimizer's state, got {reason(error, lines=1)} in {where}; name another"
        ) from error


def _difference(stored: Any, fresh: Any, name: str) -> str | None:
    """The first stored value whose kind differs from the new one's, in words; None if there is none.

    The numbers themselves differ, and a setting that is None in the new state may have a value in the stored one.
    """
    if fresh is None:
        return None
    if isinstance(fresh, Mapping):
        if not isinstance(stored, dict):
            return f"{type(stored).__name__} under {name}"
        missing = fresh.keys() - stored.keys()
        if missing:
            return f"none under {name}.{min(missing, key=str)}"
        found = (_difference(stored[key], value, f"{name}.{key}") for key, value in fresh.items())
        return next(filter(None, found), None)
    if isinstance(fresh, list | tuple):
        if not isinstance(stored, list | tuple):
            return f"{type(stored).__name__} under {name}"
        if len(stored) != len(fresh):
            return f"{len(stored)} entries for {len(fresh)} under {name}"
        found = (_difference(a, b, f"{name}[{i}]") for i, (a, b) in enumerate(zip(stored, fresh, strict=True)))
        return next(filter(None, found), None)
    return None if _kind(stored) == _kind(fresh) else f"{type(stored).__name__} under {name}"


def _hidden(stored: list[dict[str, Any]], fresh: list[dict[str, Any]], schedule: Any) -> str | None:
    """The first entry of a stored schedule that would replace a method, in words; None if there is none."""
    names = [name for a, b in zip(stored, fresh, strict=True) for name in a if name not in b]
    return next((f"an entry {name} under lr_schedulers" for name in names if hasattr(schedule, str(name))), None)


def _kind(value: Any) -> type:
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return float
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float if is_number else type(value)
