"""Training without a run folder: one model by Lightning's Trainer, or several side by side."""

from collections.abc import Sequence
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
class FitSettings:
    """How long and on which device a model is trained.

    Attributes:
        max_epochs: largest number of epochs.
        patience: number of epochs after which training stops if the loss did not improve by ``min_delta``; the loss is
            that on validation rows, or on training rows if there are none. None to train ``max_epochs``.
        min_delta: see ``patience``; for a regression in units of its targets' mean variance.
        accelerator: Lightning's name for the device.
        verbose: whether to show a progress bar.
    """

    max_epochs: int
    patience: int | None
    min_delta: float
    accelerator: str
    verbose: bool

    def early_stopping(self, monitor: str, model: TaskModule) -> EarlyStopping | None:
        """Lightning's callback for the loss of a model; None without patience."""
        if self.patience is None:
            return None
        min_delta = self.min_delta * model.loss_in_units(torch.ones(())).item()
        return EarlyStopping(monitor, patience=self.patience, min_delta=min_delta, check_on_train_epoch_end=True)


def train_alone(model: TaskModule, data: TableDataModule, settings: FitSettings) -> int:
    """Train a model. It keeps the weights of its best epoch on validation rows, or of its last epoch without such rows.

    Returns:
        Number of epochs trained.

    Raises:
        DivergedError: for a non-finite loss.
    """
    holds_out = len(data.split.val) > 0
    best = _BestWeights()
    callbacks: list[L.Callback] = [best] if holds_out else []
    stopping = settings.early_stopping(_monitor(data), model)
    if stopping is not None:
        callbacks.append(stopping)
    trainer = L.Trainer(
        accelerator=settings.accelerator,
        devices=1,
        max_epochs=settings.max_epochs,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=settings.verbose,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=0,
        use_distributed_sampler=False,
        # On a cluster, a grid search runs many fits in one job: Lightning must not take one of them for the job.
        plugins=[LightningEnvironment()],
    )
    trainer.fit(model, datamodule=data)
    if best.state is not None:
        model.load_state_dict(best.state)
    model.trainer = None
    return int(trainer.current_epoch)


def train_side_by_side(models: Sequence[TaskModule], data: Sequence[TableDataModule], settings: FitSettings) -> int:
    """Train models of one architecture in one batched computation, each as ``train_alone`` would.

    Args:
        models: with their initial weights.
        data: of each model; one table, with a split for each.
        settings: of all models.

    Returns:
        Number of epochs of the model that trained longest.

    Raises:
        DivergedError: for a non-finite loss.
    """
    monitor = _monitor(data[0])
    members = [
        Member(
            model=model,
            datamodule=own,
            optimizer=model.optimizer(model.parameters()),
            early_stopping=tuple(filter(None, [settings.early_stopping(monitor, model)])),
            checkpoints=(_best_by(monitor),) if len(own.split.val) else (),
        )
        for model, own in zip(models, data, strict=True)
    ]
    fit = fit_population(
        members,
        *([EpochProgress()] if settings.verbose else []),
        accelerator=settings.accelerator,
        max_epochs=settings.max_epochs,
        folder=Path(),
    )
    for member in members:
        if member.failure is not None:
            raise member.failure
        cohort, place = fit.population.place(member)
        kept = cohort.kept.reported(place) or cohort.kept.last
        kept.load_weights(place)
    return max(len(member.history) for member in members)


def _monitor(data: TableDataModule) -> str:
    return "val/loss" if len(data.split.val) else "train/loss"


def _best_by(monitor: str) -> ModelCheckpoint:
    """The callback by which a population chooses the weights that it keeps in memory; it writes no file."""
    return ModelCheckpoint(dirpath=".", filename="best", monitor=monitor, mode="min")


class _BestWeights(L.Callback):
    """Keeps the weights of the epoch with the lowest loss on validation rows in memory."""

    def __init__(self) -> None:
        self.lowest = float("inf")
        self.state: dict[str, Tensor] | None = None

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        loss = trainer.callback_metrics["val/loss"].item()
        if loss < self.lowest:
            self.lowest = loss
            self.state = {name: value.detach().clone() for name, value in pl_module.state_dict().items()}
