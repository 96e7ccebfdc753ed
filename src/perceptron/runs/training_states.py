"""Stored states of an optimizer and a schedule, held against new ones of the same settings before they are loaded."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch

from perceptron.errors import UsageError, reason


def check_states(
    checkpoint: Mapping[str, Any], optimizer: torch.optim.Optimizer, schedule: Any | None, *, where: str
) -> None:
    """Load a checkpoint's states on trial.

    torch's schedules take any mapping as their attributes, and its optimizers any values as their settings: a wrong
    one fails at a later step, or trains otherwise without a word.

    Args:
        checkpoint: that ``check_resumable`` has passed.
        optimizer: a new one, of the settings that the training has; its state changes.
        schedule: the same; None for a constant rate.
        where: the checkpoint, for messages.

    Raises:
        UsageError: where they are not what such an optimizer and schedule store.
    """
    stored, fresh = checkpoint["optimizer_states"][0], optimizer.state_dict()
    of_schedule = [] if schedule is None else [schedule.state_dict()]
    differs = _difference(stored["param_groups"], fresh["param_groups"], "optimizer_states[0].param_groups")
    differs = differs or _difference(checkpoint["lr_schedulers"], of_schedule, "lr_schedulers")
    differs = differs or _hidden(checkpoint["lr_schedulers"], of_schedule, schedule)
    if differs:
        raise UsageError(
            f"a checkpoint must hold what its optimizer and schedule have stored, got {differs} in {where}; name "
            "another"
        )
    try:
        optimizer.load_state_dict(deepcopy(stored))
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise UsageError(
            f"a checkpoint must hold its optimizer's state, got {reason(error, lines=1)} in {where}; name another"
        ) from error


def _difference(stored: Any, fresh: Any, name: str) -> str | None:
    """Where a stored value is of another kind than a new one, in words; None where it is nowhere.

    Their numbers differ, and what is not set in a new one may be set in the other.
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
    """Which of a stored schedule's entries, in words, would take the place of a method."""
    names = [name for a, b in zip(stored, fresh, strict=True) for name in a if name not in b]
    return next((f"an entry {name} under lr_schedulers" for name in names if hasattr(schedule, str(name))), None)


def _kind(value: Any) -> type:
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return float
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float if is_number else type(value)
