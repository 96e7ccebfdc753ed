"""How many optimizer steps a module takes of what Lightning takes for one batch.

Lightning's loop takes half a millisecond a batch, more than a step of a small network (measured). So in a fit several
batches are handed out as one, and the module takes their steps itself, in what Lightning calls manual optimization.
There Lightning does not clip, accumulate or schedule, and whoever counts batches or listens to them finds fewer: a run
that asks for any of it takes a step a batch, in Lightning's automatic optimization. Both end with the same bits.

https://lightning.ai/docs/pytorch/stable/model/manual_optimization.html
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import lightning as L
from lightning.pytorch.callbacks import (
    BatchSizeFinder,
    GradientAccumulationScheduler,
    LearningRateFinder,
    ModelCheckpoint,
    StochasticWeightAveraging,
)
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch.optim import LBFGS

# A signal is heard, the progress bar moves and checkpoints are written between two groups of steps: a group takes some
# tens of milliseconds on a CPU.
_MOST_STEPS = 64
_MOST_MULTIPLY_ADDS = 2**27
# What is gathered at once is to stay in a processor's caches (benchmarks/NOTES.md).
_MOST_BYTES = 4 * 2**20

STEP_HOOKS = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)
# What a model may do to a single step, beside its losses.
_MODEL_HOOKS = (
    *STEP_HOOKS, "backward", "configure_gradient_clipping", "lr_scheduler_step", "optimizer_step",
    "optimizer_zero_grad",
)  # fmt: skip
# Lightning's callbacks that need automatic optimization, though they have no hook in a step.
_OF_AUTOMATIC_OPTIMIZATION = (
    BatchSizeFinder, GradientAccumulationScheduler, LearningRateFinder, StochasticWeightAveraging,
)  # fmt: skip


@runtime_checkable
class GroupedBatches(Protocol):
    """A data module whose batches of training hold the rows of ``steps_per_batch`` steps of the fitted module."""

    @property
    def rows_per_step(self) -> int:
        """Rows of an optimizer step."""

    @property
    def bytes_per_row(self) -> int:
        """Size of a row's features."""

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch."""


def steps_per_batch(trainer: L.Trainer, model: Any) -> int:
    """How many optimizer steps a batch of training is to hold; 1 where anything needs single steps.

    Args:
        trainer: that fits the model; with any data module, or none.
        model: a ``TaskModule``.
    """
    data = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, GroupedBatches) or _needs_single_steps(trainer, model):
        return 1
    n_weights: int = sum(parameter.numel() for parameter in model.parameters())
    n_weights *= getattr(model.network, "shared_by", 1)
    rows = max(data.rows_per_step, 1)
    return max(
        1,
        min(
            _MOST_STEPS,
            data.steps_per_epoch,
            _MOST_MULTIPLY_ADDS // max(rows * n_weights, 1),
            _MOST_BYTES // max(rows * data.bytes_per_row, 1),
        ),
    )


def steps_taken(checkpoint: Mapping[str, Any]) -> int:
    """Optimizer steps that a checkpoint's epoch has taken; 0 at the end of one."""
    states = checkpoint.get("loops", {}).get("fit_loop", {}).get("state_dict", {}).get("combined_loader") or [{}]
    return int(states[0].get("taken", 0))


def _needs_single_steps(trainer: L.Trainer, model: Any) -> bool:
    """Whether anything counts, limits, changes, schedules or listens to single steps."""
    return (
        _counts_steps(trainer)
        # Others wrap the model, scale the loss or share gradients.
        or type(trainer.strategy) is not SingleDeviceStrategy
        # In the others a step is not what it is outside of Lightning's step.
        or trainer.precision != "32-true"
        or not isinstance(trainer.profiler, PassThroughProfiler)  # type: ignore[attr-defined]
        or any(_listens_to_steps(callback) for callback in trainer.callbacks)  # type: ignore[attr-defined]
        or model.schedule is not None
        # Its step computes the loss several times.
        or getattr(model.optimizer, "func", model.optimizer) is LBFGS
        or any(getattr(type(model), hook) is not getattr(L.LightningModule, hook) for hook in _MODEL_HOOKS)
    )


def _counts_steps(trainer: L.Trainer) -> bool:
    flags = vars(trainer)
    return (
        trainer.max_steps != -1
        or bool(trainer.min_steps)
        or flags["accumulate_grad_batches"] != 1
        or bool(flags["gradient_clip_val"])
        or bool(flags["log_every_n_steps"])
        or bool(flags["overfit_batches"])
        or flags["check_val_every_n_epoch"] is None
        # As a whole number 1 is one batch; where validation goes by the clock there is none.
        or any(repr(flags.get(name)) != "1.0" for name in ("limit_train_batches", "val_check_interval"))
    )


def _listens_to_steps(callback: L.Callback) -> bool:
    if isinstance(callback, ModelCheckpoint):
        # One that counts epochs counts neither steps nor seconds.
        return not callback.every_n_epochs
    if isinstance(callback, _OF_AUTOMATIC_OPTIMIZATION):
        return True
    hooks = (getattr(type(callback), hook) is not getattr(L.Callback, hook) for hook in STEP_HOOKS)
    return any(hooks) and not getattr(callback, "takes_groups", False)
