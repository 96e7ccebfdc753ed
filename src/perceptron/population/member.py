"""A model of a population: its parts, its settings and its results."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger
from torch import Tensor
from torch.optim import Optimizer

from perceptron.callbacks import PruneHopeless
from perceptron.callbacks.history import WeightPath
from perceptron.data import RowBatches, Split, TableDataModule
from perceptron.errors import DivergedError, PrunedError
from perceptron.models import TaskModule
from perceptron.runs.checkpoints.best_checkpoint import reporting_rule


@dataclass(frozen=True)
class Epoch:
    """What a member logged in an epoch.

    Attributes:
        number: from 0.
        step: number of the optimizer step under which it is logged.
        val: metrics of the validation rows under names like ``val/acc``.
        train: ``train/loss``, and of classes ``train/acc``.
        sums: of the losses of all rows, the number of rows, and the number of correctly labelled ones.
        batches: that the epoch took; fewer than there are where the training ends within it.
    """

    number: int
    step: int
    val: Mapping[str, float]
    train: Mapping[str, float]
    sums: tuple[float, int, int]
    batches: int


class Entries(NamedTuple):
    """What the job alone would have logged before its training.

    Attributes:
        table: about what was read.
        split: about its rows in their splits.
        settings: about the settings of the optimizer and its schedule.
    """

    table: Sequence[logging.LogRecord] = ()
    split: Sequence[logging.LogRecord] = ()
    settings: Sequence[logging.LogRecord] = ()

    @property
    def all(self) -> list[logging.LogRecord]:
        """All of them, in the order of the job alone."""
        return [*self.table, *self.split, *self.settings]


@dataclass(kw_only=True, eq=False)
class Member:
    """A model that is trained beside others.

    Attributes:
        model: as the job alone would have built it.
        datamodule: members with the same settings of the data share its table; columns of any kind are encoded for each
            split.
        optimizer: holds the settings; it updates nothing.
        schedule: Lightning's form of a learning-rate schedule of ``optimizer``; None for a constant rate.
        early_stopping: settings and states of the rules that end its training early.
        checkpoints: settings and states of their rules.
        monitor: the metric by which the reported weights are chosen: by the first rule that follows it, or the first.
        pruning: ends its training if it falls behind in a search; None outside of a search.
        last: file of its last state; None for no file.
        path: takes snapshots of its weights for figures; None for none.
        gradient_limit: above which gradients are clipped; infinity for none.
        clips_by_norm: whether the limit is for their norm over all parameters, otherwise it is for every value.
        batches_per_step: whose gradients are summed; the last step of an epoch may have fewer.
        max_steps: after which its training ends, also within an epoch; None for no limit.
        epochs_per_validation: after so many epochs its validation rows are scored, and its callbacks look at it.
        entries: for the log of its job.
        history: its epochs so far.
        steps: optimizer steps so far.
        metrics: final metrics of the best weights.
        failure: why it failed or was pruned; None otherwise.
        loggers: of its run, once its results are logged.
    """

    model: TaskModule
    datamodule: TableDataModule
    optimizer: Optimizer
    schedule: dict[str, Any] | None = None
    early_stopping: tuple[EarlyStopping, ...] = ()
    checkpoints: tuple[ModelCheckpoint, ...] = ()
    monitor: str = ""
    pruning: PruneHopeless | None = None
    last: Path | None = None
    path: WeightPath | None = None
    gradient_limit: float = math.inf
    clips_by_norm: bool = True
    batches_per_step: int = 1
    max_steps: int | None = None
    epochs_per_validation: int = 1
    entries: Entries = field(default_factory=Entries)
    history: list[Epoch] = field(default_factory=list)
    steps: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    failure: DivergedError | PrunedError | None = None
    loggers: Sequence[Logger] = ()

    @property
    def warnings(self) -> list[str]:
        """What its job alone would have warned of before its training."""
        return [entry.getMessage() for entry in self.entries.all if entry.levelno >= logging.WARNING]

    @property
    def split(self) -> Split:
        """Its rows of the table."""
        return self.datamodule.split

    @property
    def seed(self) -> int:
        """Seed of its noise."""
        # None is for models on a user's own data module.
        return self.model.seed or 0

    def row_batches(self) -> RowBatches:
        """Its training rows' batches, numbered within its split."""
        return self.datamodule.row_batches()

    @property
    def steps_per_epoch(self) -> int:
        """Its optimizer steps of an epoch."""
        return -(-self.row_batches().n_steps // self.batches_per_step)

    @cached_property
    def factors(self) -> Tensor | None:
        """Factors ``(n_train,)`` of its training rows' losses; None for 1."""
        return self.datamodule.columns.factors()

    def batches_left(self) -> int:
        """Batches that the epoch will take before whose first this is asked."""
        n_batches = self.row_batches().n_steps
        if self.max_steps is None:
            return n_batches
        return min(n_batches, (self.max_steps - self.steps) * self.batches_per_step)

    @property
    def is_at_limit(self) -> bool:
        """Whether it has taken as many steps as it may."""
        return self.max_steps is not None and self.steps >= self.max_steps

    def validates(self, epoch: int) -> bool:
        """Whether its validation rows are scored after an epoch, numbered from 0, that is not broken off."""
        return (epoch + 1) % self.epochs_per_validation == 0

    def latest(self, name: str) -> Tensor:
        """The latest value of a metric, in the precision of the job alone: training losses are float32."""
        return self._value(self.history[-1], name)

    def seen(self, name: str) -> Tensor:
        """The value of a metric that callbacks see in an epoch with validation.

        Where not every epoch has one, they look before the epoch's training metrics are logged.
        """
        return self._value(self.history[-1 if self.epochs_per_validation == 1 else -2], name)

    def _value(self, epoch: Epoch, name: str) -> Tensor:
        if name in epoch.train:
            return torch.tensor(epoch.train[name])
        return torch.tensor(self._validated[name], dtype=next(self.model.network.parameters()).dtype)

    @property
    def _validated(self) -> Mapping[str, float]:
        """The latest metrics of the validation rows; empty before the first."""
        return next((epoch.val for epoch in reversed(self.history) if epoch.val), {})

    @property
    def rule(self) -> ModelCheckpoint | None:
        """The rule whose best weights are reported; None if none has kept any."""
        return reporting_rule(self.checkpoints, self.monitor)

    @property
    def reported_path(self) -> str | None:
        """The file of the reported weights; None if no rule has kept any."""
        return None if self.rule is None else self.rule.best_model_path

    def last_value(self, monitor: str) -> float | None:
        """The latest value of a metric; None if there is none."""
        return next((epoch[monitor] for epoch in self._logged() if monitor in epoch), None)

    def latest_metrics(self, *, at_validation: bool) -> dict[str, float]:
        """The latest values of all metrics, in the order in which they were first logged.

        Args:
            at_validation: as callbacks see them in an epoch with validation, see ``seen``.
        """
        train = self.history[-2 if at_validation and self.epochs_per_validation > 1 else -1].train
        return {**self._validated, **train} if self.epochs_per_validation == 1 else {**train, **self._validated}

    def _logged(self) -> Iterator[dict[str, float]]:
        """What each epoch logged, the latest first."""
        return ({**epoch.val, **epoch.train} for epoch in reversed(self.history))
