"""Build the optimizer of a configuration and its learning-rate schedule."""

from collections.abc import Mapping
from typing import Any

import torch
from hydra.errors import InstantiationException

from perceptron.errors import UsageError, reason
from perceptron.models import TaskModule


def build_optimizer(model: TaskModule, settings: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Optimizer of a model.

    Args:
        model: by ``build_model``.
        settings: plain ones of the group ``optimizer``, for messages.

    Raises:
        UsageError: where they are none that its class takes, or it is none of torch's.
    """
    name = settings["_target_"]
    try:
        optimizer = model.optimizer(model.parameters())
    except (TypeError, ValueError) as error:
        raise UsageError(f"optimizer must be what {name} takes, got: {error}; change optimizer") from error
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise UsageError(f"optimizer must be what {name} takes, got no Optimizer of torch; change optimizer._target_")
    return optimizer


def build_schedule(
    model: TaskModule,
    optimizer: torch.optim.Optimizer,
    settings: Mapping[str, Any],
    *,
    max_epochs: int,
    total_steps: int,
) -> dict[str, Any] | None:
    """Learning-rate schedule of a model's optimizer, in Lightning's form; None for a constant rate.

    Args:
        model: by ``build_model``.
        optimizer: by ``build_optimizer``.
        settings: plain ones of the group ``scheduler``, for messages.
        max_epochs: of the training.
        total_steps: of the training.

    Raises:
        UsageError: where they are none that it takes, or it gives no schedule.
    """
    if model.schedule is None:
        return None
    name = settings["_target_"]
    try:
        schedule = model.schedule(optimizer, max_epochs=max_epochs, total_steps=total_steps)
    # Hydra refuses some targets only when they are called.
    except (TypeError, ValueError, InstantiationException) as error:
        raise UsageError(f"scheduler must be what {name} takes, got: {reason(error)}; change scheduler") from error
    if not isinstance(schedule, Mapping) or "scheduler" not in schedule:
        raise UsageError(
            f"scheduler must give a schedule in Lightning's form, got {type(schedule).__name__} from {name}; change "
            "scheduler._target_ to one like those in perceptron.models.schedules"
        )
    return dict(schedule)
