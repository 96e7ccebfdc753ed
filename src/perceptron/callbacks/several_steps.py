"""Several optimizer steps in what Lightning takes for one batch.

Lightning's loop takes half a millisecond a batch, more than a step of a small network (measured). So ``fit`` is handed
several batches as one, and the module takes their steps itself, in what Lightning calls manual optimization. There
Lightning does not clip, accumulate or schedule, and whoever counts batches or listens to them finds fewer: a run that
asks for any of it is left to Lightning's automatic optimization, a step a batch. Both end with the same bits.

https://lightning.ai/docs/pytorch/stable/model/manual_optimization.html
"""

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

from perceptron.callbacks.steps import STEP_HOOKS
from perceptron.data import TableDataModule
from perceptron.models import TaskModule

# A signal is heard, the progress bar moves and checkpoints are written between two groups of steps: a group takes some
# tens of milliseconds on a CPU.
_MOST_STEPS = 64
_MOST_MULTIPLY_ADDS = 2**27
# What is gathered at once is to stay in a processor's caches (benchmarks/NOTES.md).
_MOST_BYTES = 4 * 2**20

# What a model may do to a single step, beside its losses.
_MODEL_HOOKS = (
    *STEP_HOOKS, "backward", "configure_gradient_clipping", "lr_scheduler_step", "optimizer_step",
    "optimizer_zero_grad",
)  # fmt: skip
# Lightning's callbacks that need automatic optimization, though they have no hook in a step.
_OF_AUTOMATIC_OPTIMIZATION = (
    BatchSizeFinder, GradientAccumulationScheduler, LearningRateFinder, StochasticWeightAveraging,
)  # fmt: skip


def take_several_steps(trainer: L.Trainer, model: TaskModule, datamodule: TableDataModule, *, taken: int = 0) -> None:
    """Have several batches handed out as one, and their steps taken by the model, where nothing forbids it.

    Args:
        trainer: whose ``fit`` follows.
        model: to be trained.
        datamodule: with its rows.
        taken: steps of the epoch behind the checkpoint to go on from; those of one written between any two steps need
            not lie between two groups.
    """
    count = 1 if _needs_single_steps(trainer, model) else _steps_at_once(model, datamodule)
    count = count if taken % count == 0 else 1
    datamodule.steps_at_once = count
    model.rows_per_step = None if count == 1 else datamodule.batch_size
    model.automatic_optimization = count == 1


def _steps_at_once(model: TaskModule, datamodule: TableDataModule) -> int:
    n_rows = len(datamodule.split.train)
    rows = datamodule.batch_size or n_rows
    weights = sum(parameter.numel() for parameter in model.parameters()) * getattr(model.network, "shared_by", 1)
    table = datamodule.table
    return max(
        1,
        min(
            _MOST_STEPS,
            -(-n_rows // max(rows, 1)),
            _MOST_MULTIPLY_ADDS // max(rows * weights, 1),
            _MOST_BYTES // max(rows * table.features.itemsize * table.schema.n_features, 1),
        ),
    )


def _needs_single_steps(trainer: L.Trainer, model: TaskModule) -> bool:
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
        or type(model).training_step is not TaskModule.training_step
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
