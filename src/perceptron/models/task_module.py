"""The base of the modules for each kind of task: training with a network, on top of its evaluation."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Self, cast

import torch
from lightning.pytorch.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torchmetrics import MetricCollection

from perceptron.errors import DivergedError, UsageError
from perceptron.models.epoch_sums import EpochSums
from perceptron.models.evaluation import EvaluatedModule
from perceptron.models.schedules import check_length
from perceptron.models.several_steps import steps_per_batch, steps_taken
from perceptron.models.standardize import Standardize
from perceptron.randomness import Stream, derive_seed

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]
ScheduleFactory = Callable[..., LRSchedulerConfigType]
# By name: it stands above this package, and knows how a stored configuration becomes a network, and what it may name.
_RESTORING = "perceptron.composition.stored.restore"


class TaskModule(EvaluatedModule, ABC):
    """A network with its standardisation, trained on one kind of task. Abstract.

    Takes features and targets as the data module hands them out, less their offsets; ``Answers`` takes raw features.
    The fitted standardisation is part of the state. The losses and labels of training are summed by hand and logged
    once an epoch: ``self.log`` and a metric's update in every step each cost as much as the step of a small network.

    Args:
        network: maps ``(batch, n_features)`` standardised features to ``(batch, n_outputs)``, or to
            ``(batch, members, n_outputs)`` where it is an ensemble: each member is trained on its own loss, and what
            is evaluated and predicted is their mean.
        standardize: layer in front of the network.
        optimizer: gives the optimizer of the parameters.
        schedule: gives the learning-rate schedule, see ``perceptron.models.schedules``; None for a constant rate.
        seed: seed of the noise (dropout) that the network draws in training; None to leave torch's generator alone,
            for a data module that draws from it too.
        metrics: what is reported beside the loss and the task's metrics; a clone for each split is made at its first
            evaluation. ``update`` gets ``predictions``, of one target without its dimension, and the target; each value
            is one number, see ``perceptron.models.split_metrics.number``.
        task_metrics: whether ``perceptron.metrics.TaskMetrics`` are reported.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        standardize: Standardize,
        optimizer: OptimizerFactory = SGD,
        schedule: ScheduleFactory | None = None,
        seed: int | None = 0,
        metrics: MetricCollection | None = None,
        task_metrics: bool = True,
    ) -> None:
        super().__init__(network=network, standardize=standardize, metrics=metrics, task_metrics=task_metrics)
        self.optimizer = optimizer
        self.schedule = schedule
        self.seed = seed
        # Optimizer steps that are taken of each batch of training.
        self.steps_per_batch = 1
        self._sums = self._new_sums()

    @classmethod
    def load_from_checkpoint(  # type: ignore[override]
        cls, checkpoint_path: str | Path, *, trust: Collection[str] = (), **settings: Any
    ) -> Self:
        """The model of a run's checkpoint with its weights, ready to predict, on the CPU.

        Its network, its standardisation and its kind of task are those that the checkpoint stores. The file is read
        with ``weights_only=True``, and may name this project's classes alone.

        Args:
            checkpoint_path: file of a run, such as ``checkpoints/best.ckpt``.
            trust: names of classes of your own that it may name too, such as ``my_networks.Wide``.
            **settings: as of Lightning's method: with ``network``, ``standardize`` and the like the module is made of
                them, for a checkpoint that no run has written.

        Raises:
            UsageError: if it cannot be read, names other code, or holds another kind of model.
        """
        if settings:
            return super().load_from_checkpoint(checkpoint_path, **{"weights_only": True, **settings})
        model = import_module(_RESTORING).restore(checkpoint_path, trust=trust).model
        if not isinstance(model, cls):
            raise UsageError(
                f"a checkpoint must hold a {cls.__name__}, got a {type(model).__name__} in {checkpoint_path}; call "
                f"{type(model).__name__}.load_from_checkpoint"
            )
        return model

    @abstractmethod
    def correct(self, outputs: Tensor, target: Tensor) -> Tensor | None:
        """Which rows are labelled correctly, ``(..., n_rows)`` bool; None for a regression.

        Args:
            outputs: ``(..., n_rows, n_outputs)``; leading dimensions hold models side by side.
            target: with the same leading dimensions.
        """

    def setup(self, stage: str) -> None:
        """Choose how many optimizer steps a batch of training holds, see ``perceptron.models.several_steps``."""
        if stage == "fit":
            takes_steps = type(self).training_step is TaskModule.training_step
            self._take_steps(steps_per_batch(self.trainer, self) if takes_steps else 1)

    def _take_steps(self, count: int) -> None:
        self.steps_per_batch = count
        self.automatic_optimization = count == 1

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the sums of the epoch so far, one row per process; refuse a state that has diverged."""
        sums = self._sums.state()
        if not torch.isfinite(sums[0]):
            raise DivergedError(sums[0].item(), self.current_epoch)
        of_all: Any = self.all_gather(sums)
        checkpoint["epoch_sums"] = of_all.reshape(-1, len(sums)).cpu()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Continue an epoch in its middle: with its sums, and in single steps where a batch would start before it."""
        if steps_taken(checkpoint) % self.steps_per_batch:
            self._take_steps(1)
        sums = checkpoint.get("epoch_sums")
        if sums is not None and self.global_rank < len(sums):
            self._sums.load_state(sums[self.global_rank])

    def on_train_start(self) -> None:
        """Move the sums to the device of the losses."""
        self._sums.to(self.device)

    def on_train_epoch_start(self) -> None:
        """Start the epoch's stream of noise and its sums."""
        if self.seed is not None:
            seed = derive_seed(self.seed, Stream.NOISE, self.current_epoch, self.global_rank)
            # torch.manual_seed keeps a traceback for each unused device, which takes half a millisecond.
            (torch.default_generator if self.device.type == "cpu" else torch).manual_seed(seed)
        self._sums = self._new_sums().to(self.device)

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor | None:
        """Mean loss of a batch, for Lightning to step by; or the steps themselves, where a batch holds several.

        Args:
            batch: ``(features, target, *weights)``.
            batch_idx: its number in the epoch.
        """
        features, *others = batch
        batch = (self.standardize(features), *others)
        if self.steps_per_batch == 1:
            loss = self._mean_loss(batch)
            every = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
            if every and (batch_idx + 1) % every == 0:
                self.log("train/loss_step", self.loss_in_units(loss.detach()), on_step=True, on_epoch=False)
            return loss
        # Lightning's, which counts the steps.
        optimizer = cast(Optimizer, self.optimizers())
        rows_per_step = self.trainer.datamodule.rows_per_step  # type: ignore[attr-defined]
        for of_step in zip(*(torch.split(column, rows_per_step) for column in batch), strict=True):
            loss = self._mean_loss(of_step)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return None

    def _mean_loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Of ``(standardised features, target, *weights)``, each row's times its weights; added to the epoch's sums."""
        features, target, *weights = batch
        losses, outputs = self._training_losses(features, target)
        for weight in weights:
            losses = losses * weight
        loss = losses.mean()
        # Where processes share the batches, the last weights are those of the share.
        share = weights[-1][0] if self.trainer.world_size > 1 else None
        self._sums.add(loss.detach(), outputs.detach(), target, share=share)
        return loss

    @property
    def counts_labels(self) -> bool:
        """Whether the accuracy on training rows is logged after each epoch."""
        return self.task_metrics and "acc" in self.task.metrics

    def _new_sums(self) -> EpochSums:
        return EpochSums(self._correct_rows if self.counts_labels else None)

    def _correct_rows(self, outputs: Tensor, target: Tensor) -> Tensor | None:
        return self.correct(outputs if outputs.ndim == 2 else self.mean_of_members(outputs), target)

    def on_train_epoch_end(self) -> None:
        """Log the mean loss of the epoch's steps, and of classes the accuracy, as the steps have found them."""
        sums: Any = self.trainer.strategy.reduce(self._sums.sums(), reduce_op="sum")
        loss, n_rows, n_correct = sums
        self._check_finite(loss)
        metrics = {"train/loss": self.loss_in_units(loss / n_rows)}
        self.log_epoch(metrics | ({"train/acc": n_correct / n_rows} if self._sums.counts_labels else {}))

    def on_train_end(self) -> None:
        """Let what is logged after the fit stand at the number of steps: Lightning's own count is of batches."""
        if self.steps_per_batch > 1:
            # Private: Lightning offers no way to say which step an evaluation belongs to.
            self.trainer.fit_loop.epoch_loop._batches_that_stepped = self.trainer.global_step

    def configure_optimizers(self) -> Optimizer | OptimizerLRSchedulerConfig:
        """Optimizer of all parameters, with its schedule."""
        optimizer = self.optimizer(self.parameters())
        if self.schedule is None:
            return optimizer
        total_steps = int(self.trainer.estimated_stepping_batches)
        schedule = self.schedule(optimizer, max_epochs=self.trainer.max_epochs, total_steps=total_steps)
        check_length(schedule, total_steps=total_steps)
        if "monitor" in schedule:
            # It looks where there is a new value: some epochs may have no validation.
            every = self.trainer.check_val_every_n_epoch or 1 if str(schedule["monitor"]).startswith("val/") else 1
            schedule = {"frequency": every, "strict": False, **schedule}
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def compile_losses(self, *, mode: str) -> None:
        """Compute the losses of training by ``torch.compile`` from now on; see there for ``mode``.

        A function is compiled and no module, whose weights would have other names in checkpoints.
        """
        compiled = torch.compile(self._training_losses, mode=mode)

        def losses_and_copy(features: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
            losses, outputs = compiled(features, target)
            # The next replay of a CUDA graph overwrites the outputs, which are labelled later.
            return losses, outputs.detach().clone()

        self._training_losses = losses_and_copy  # type: ignore[method-assign]

    def _training_losses(self, features: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of each row ``(batch,)``, and the network's outputs."""
        outputs: Tensor = self.network(features)
        if outputs.ndim == 2:
            return self.row_losses(outputs, target), outputs
        members = outputs.shape[1]
        losses = self.row_losses(outputs.flatten(0, 1), target.repeat_interleave(members, dim=0))
        return losses.view(-1, members).mean(dim=1), outputs
