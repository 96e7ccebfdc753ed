"""Learning-rate schedules in the form that Lightning's ``configure_optimizers`` takes.

Each is called with the optimizer, the number of epochs and the number of optimizer steps of the whole training.
"""

from collections.abc import Callable
from typing import Any

from lightning.pytorch.utilities.types import LRSchedulerConfigType
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from perceptron.errors import UsageError
from perceptron.tasks import Direction


def cosine(
    optimizer: Optimizer,
    *,
    max_epochs: int,
    total_steps: int,  # noqa: ARG001
    min_lr: float = 0.0,
) -> LRSchedulerConfigType:
    """Half a cosine wave from the optimizer's rate to ``min_lr``, a step an epoch (Loshchilov and Hutter 2017)."""
    scheduler = CosineAnnealingLR(optimizer, T_max=max(max_epochs, 1), eta_min=min_lr)
    return {"scheduler": scheduler, "interval": "epoch"}


def plateau(
    optimizer: Optimizer,
    *,
    max_epochs: int,  # noqa: ARG001
    total_steps: int,  # noqa: ARG001
    monitor: str,
    mode: Direction,
    factor: float = 0.5,
    patience: int = 5,
    min_lr: float = 0.0,
) -> LRSchedulerConfigType:
    """The rate times ``factor`` whenever ``monitor`` did not get better for ``patience`` epochs that have a new value.

    Where ``trainer.check_val_every_n_epoch`` is above 1, these are the epochs with a validation.
    """
    scheduler = ReduceLROnPlateau(optimizer, mode=mode, factor=factor, patience=patience, min_lr=min_lr)
    return {"scheduler": scheduler, "interval": "epoch", "monitor": monitor}


def onecycle(
    optimizer: Optimizer,
    *,
    max_epochs: int,  # noqa: ARG001
    total_steps: int,
    warmup_fraction: float = 0.3,
    start_divisor: float = 25.0,
    final_divisor: float = 1e4,
    cycle_momentum: bool = False,
) -> LRSchedulerConfigType:
    """Up to the optimizer's rate and down again, a step a batch (Smith and Topin 2018).

    The optimizer's own rate is the peak; it starts at the peak / ``start_divisor`` and ends at the start /
    ``final_divisor``, as in torch's ``OneCycleLR``.
    """
    scheduler = OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=total_steps,
        pct_start=warmup_fraction,
        div_factor=start_divisor,
        final_div_factor=final_divisor,
        cycle_momentum=cycle_momentum,
    )
    return {"scheduler": scheduler, "interval": "step"}


def torch_schedule(
    optimizer: Optimizer,
    *,
    max_epochs: int,  # noqa: ARG001
    total_steps: int,
    scheduler: Callable[[Optimizer, int], LRScheduler],
    **beside: Any,
) -> LRSchedulerConfigType:
    """One of torch's schedules.

    Args:
        optimizer: whose rate it changes.
        max_epochs: of the training.
        total_steps: of the training.
        scheduler: makes it for an optimizer and a number of steps.
        **beside: what Lightning takes beside it: ``interval``, by default ``epoch``, ``frequency`` and ``monitor``.
    """
    return {"scheduler": scheduler(optimizer, total_steps), "interval": "epoch", **beside}  # type: ignore[typeddict-item]


def check_length(schedule: LRSchedulerConfigType, *, total_steps: int) -> None:
    """Check that a schedule does not end before the training.

    Args:
        schedule: in Lightning's form.
        total_steps: of the training.

    Raises:
        UsageError: where it does: torch raises then, in the middle of the training.
    """
    scheduler = schedule["scheduler"]
    if not isinstance(scheduler, OneCycleLR) or schedule.get("interval") != "step":
        return
    if scheduler.total_steps < total_steps:
        raise UsageError(
            f"OneCycleLR must have as many steps as the training, {total_steps}, got {scheduler.total_steps}; leave "
            "scheduler.total_steps, scheduler.epochs and scheduler.steps_per_epoch out"
        )
