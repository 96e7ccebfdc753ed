"""Build the optimizer of a configuration and its learning-rate schedule."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from hydra.errors import InstantiationException
from torch.optim.lr_scheduler import LRScheduler

from perceptron.composition.building.instantiate import instance
from perceptron.composition.settings.parts import takeable
from perceptron.composition.settings.signatures import LIGHTNING_ARGUMENTS, signature_of
from perceptron.errors import UsageError, reason
from perceptron.models import TaskModule
from perceptron.models.schedules import torch_schedule


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
    if isinstance(optimizer, torch.optim.SparseAdam) and not any(
        getattr(each, "sparse", False) for each in model.modules()
    ):
        raise UsageError(f"{name} needs sparse gradients, which no layer of the network gives; set optimizer=adam")
    return optimizer


def schedule_maker(settings: Mapping[str, Any]) -> Callable[..., Any] | None:
    """What makes a schedule in Lightning's form for an optimizer, ``max_epochs`` and ``total_steps``.

    Args:
        settings: plain ones of the group ``scheduler``: a function like those in ``perceptron.models.schedules``, or
            one of torch's classes, with what Lightning takes beside it.

    Returns:
        None for a constant rate.
    """
    if settings["_target_"] is None:
        return None
    if not _is_schedule(settings):
        maker: Callable[..., Any] = instance(settings, "scheduler")
        return maker
    beside = {name: settings[name] for name in LIGHTNING_ARGUMENTS if name in settings}
    if _takes_length(settings):
        beside.setdefault("interval", "step")
    own = {name: value for name, value in settings.items() if name not in beside and name != "_partial_"}
    return partial(torch_schedule, scheduler=partial(_torch_scheduler, own), **beside)


def partial_schedule(settings: Mapping[str, Any]) -> Any:
    """What makes a schedule of torch for an optimizer, for a LightningModule that arranges its schedule itself.

    Args:
        settings: plain ones of the group ``scheduler``.

    Returns:
        None for a constant rate.

    Raises:
        UsageError: where it is none of torch's.
    """
    if settings["_target_"] is None:
        return None
    if not _is_schedule(settings):
        raise UsageError(
            f"scheduler for your own LightningModule must be one of torch, got {settings['_target_']}; set "
            "scheduler=step, or another of torch.optim.lr_scheduler"
        )
    own = {name: value for name, value in settings.items() if name not in LIGHTNING_ARGUMENTS}
    return instance({**own, "_partial_": True}, "scheduler")


def _torch_scheduler(settings: Mapping[str, Any], optimizer: torch.optim.Optimizer, total_steps: int) -> LRScheduler:
    """A schedule of torch, which may consist of others.

    Args:
        settings: its target and arguments; one that must know its length gets it unless it is set.
        optimizer: of all of them.
        total_steps: of the training.
    """

    def built(value: Any) -> Any:
        if isinstance(value, list):
            return [built(each) for each in value]
        is_schedule = isinstance(value, Mapping) and "_target_" in value and _is_schedule(value)
        return _torch_scheduler(value, optimizer, total_steps) if is_schedule else value

    arguments = {name: built(value) for name, value in settings.items()}
    if _takes_length(settings) and not {"total_steps", "epochs"} & set(arguments):
        arguments["total_steps"] = total_steps
    scheduler: LRScheduler = instance(arguments, "scheduler", optimizer=optimizer)
    return scheduler


def _takes_length(settings: Mapping[str, Any]) -> bool:
    return "total_steps" in takeable(settings["_target_"], "scheduler")[0]


def _is_schedule(part: Mapping[str, Any]) -> bool:
    signature = signature_of(part["_target_"], "scheduler")
    return signature is not None and "torch.optim.lr_scheduler.LRScheduler" in signature.bases


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
    try:
        schedule["scheduler"].state_dict()
    except AttributeError as error:
        # Of a function that is no function of Python, LambdaLR wants the attributes.
        raise UsageError(
            f"scheduler must have a state that a checkpoint can hold, got from {name}: {reason(error)}; take a "
            "function that is written in Python"
        ) from error
    return dict(schedule)
