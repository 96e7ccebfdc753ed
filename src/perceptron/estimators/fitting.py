"""Training without a run folder: a model alone by its Trainer, or several side by side."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning as L
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor

from perceptron.callbacks import EpochProgress
from perceptron.data import TableDataModule
from perceptron.models import TaskModule
from perceptron.population import Member, fit_population


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long is trained, and where.

    Attributes:
        max_epochs: at most.
        patience: epochs without a loss better by ``min_delta`` after which training stops: the loss on validation rows,
            or on training rows where there are none. None to train ``max_epochs``.
        min_delta: see ``patience``; of a regression in units of its targets' mean variance.
        accelerator: Lightning's name of the device.
        verbose: whether to show a progress bar.
    """

    max_epochs: int
    patience: int | None
    min_delta: float
    accelerator: str
    verbose: bool

    def early_stopping(self, monitor: str, model: TaskModule) -> EarlyStopping | None:
        """Lightning's rule for the loss of a model; None without patience."""
        if self.patience is None:
            return None
        min_delta = self.min_delta * model.loss_in_units(torch.ones(())).item()
        return EarlyStopping(monitor, patience=self.patience, min_delta=min_delta, check_on_train_epoch_end=True)


def train_alone(model: TaskModule, data: TableDataModule, schedule: Schedule) -> int:
    """Train a model; it ends with the weights of its best epoch on validation rows, or its last without such rows.

    Returns:
        Epochs trained.

    Raises:
        DivergedError: where a loss is no finite number.
    """
    holds_out = len(data.split.val) > 0
    best = _BestWeights()
    callbacks: list[L.Callback] = [best] if holds_out else []
    stopping = schedule.early_stopping(_monitor(data), model)
    if stopping is not None:
        callbacks.append(stopping)
    trainer = L.Trainer(
        accelerator=schedule.accelerator,
        devices=1,
        max_epochs=schedule.max_epochs,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=schedule.verbose,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=0,
        use_distributed_sampler=False,
        # A search on a cluster runs many fits in one job; none of them is the job.
        plugins=[LightningEnvironment()],
    )
    trainer.fit(model, datamodule=data)
    if best.state is not None:
        model.load_state_dict(best.state)
    model.trainer = None
    return int(trainer.current_epoch)


def train_side_by_side(models: Sequence[TaskModule], data: Sequence[TableDataModule], schedule: Schedule) -> int:
    """Train models of one architecture as ``train_alone`` would each, in one batched computation.

    Args:
        models: their weights drawn.
        data: of each model; one table, split for each.
        schedule: of all.

    Returns:
        Epochs of the one that trained longest.

    Raises:
        DivergedError: where a loss is no finite number.
    """
    monitor = _monitor(data[0])
    members = [
        Member(
            model=model,
            datamodule=own,
            optimizer=model.optimizer(model.parameters()),
            early_stopping=schedule.early_stopping(monitor, model),
            checkpoints=(_best_by(monitor),) if len(own.split.val) else (),
        )
        for model, own in zip(models, data, strict=True)
    ]
    population, _ = fit_population(
        members,
        *([EpochProgress()] if schedule.verbose else []),
        accelerator=schedule.accelerator,
        max_epochs=schedule.max_epochs,
        folder=Path(),
    )
    for number, member in enumerate(members):
        if member.failure is not None:
            raise member.failure
        cohort, place = population.place(number)
        kept = cohort.snapshots[0] if cohort.snapshots else cohort.last
        kept.load_weights(place)
    return max(len(member.history) for member in members)


def _monitor(data: TableDataModule) -> str:
    return "val/loss" if len(data.split.val) else "train/loss"


def _best_by(monitor: str) -> ModelCheckpoint:
    """A rule for which weights a population keeps in memory; nothing is written to its folder."""
    return ModelCheckpoint(dirpath=".", filename="best", monitor=monitor, mode="min")


class _BestWeights(L.Callback):
    """Keeps the weights of the epoch with the lowest loss on validation rows, in memory."""

    def __init__(self) -> None:
        self.lowest = float("inf")
        self.state: dict[str, Tensor] | None = None

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        loss = trainer.callback_metrics["val/loss"].item()
        if loss < self.lowest:
            self.lowest = loss
            self.state = {name: value.detach().clone() for name, value in pl_module.state_dict().items()}


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Without Lightning's lines on devices and its advice on workers and validation rows, which are meant for runs."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*LeafSpec.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
