"""The base of the modules for each kind of task: training, evaluation and prediction with a network."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple, cast

import torch
from lightning.pytorch.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torchmetrics import MetricCollection

from perceptron.errors import DivergedError
from perceptron.metrics import TaskMetrics
from perceptron.models.epoch_logging import EpochLoggingModule
from perceptron.models.epoch_sums import EpochSums
from perceptron.models.several_steps import steps_per_batch, steps_taken
from perceptron.models.split_metrics import SplitMetrics, count, in_order, joined, numbers
from perceptron.models.standardize import Standardize
from perceptron.randomness import Stream, derive_seed
from perceptron.tasks import SplitName, Task

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]
ScheduleFactory = Callable[..., LRSchedulerConfigType]


class Prediction(NamedTuple):
    """Answers for a batch.

    Attributes:
        labels: ``(batch,)`` int64 class numbers; for regression ``(batch, n_targets)`` float32 in the target's units.
        probabilities: ``(batch, n_classes)`` float32; None for regression.
        spread: standard deviation over an ensemble's members: ``(batch,)`` of their probabilities of the label; for
            regression ``(batch, n_targets)`` of their values, in the target's units. None for a single model.
    """

    labels: Tensor
    probabilities: Tensor | None
    spread: Tensor | None = None


class TaskModule(EpochLoggingModule, ABC):
    """A network with its standardisation, trained on one kind of task. Abstract.

    Takes features and targets as the data module hands them out, less their offsets; ``Answers`` takes raw features.
    The fitted standardisation is part of the state. The losses and labels of training are summed by hand and logged
    once an epoch: ``self.log`` and a metric's update in every step each cost as much as the step of a small network.
    Metrics are updated in the steps of evaluation, whose batches are large.

    Args:
        network: maps ``(batch, n_features)`` standardised features to ``(batch, n_outputs)``, or to
            ``(batch, members, n_outputs)`` where it is an ensemble: each member is trained on its own loss, and what
            is evaluated and predicted is their mean.
        standardize: layer in front of the network.
        optimizer: gives the optimizer of the parameters.
        schedule: gives the learning-rate schedule, see ``perceptron.models.schedules``; None for a constant rate.
        seed: seed of the noise (dropout) that the network draws in training.
        metrics: what is reported beside the loss and the task's metrics; a clone for each split is made at its first
            evaluation. ``update`` gets ``predictions``, of one target without its dimension, and the target; each value
            is one number, see ``perceptron.models.split_metrics.number``.
        task_metrics: whether ``perceptron.metrics.TaskMetrics`` are reported.
    """

    # Set by the leaves.
    task: ClassVar[Task]

    def __init__(
        self,
        *,
        network: nn.Module,
        standardize: Standardize,
        optimizer: OptimizerFactory = SGD,
        schedule: ScheduleFactory | None = None,
        seed: int = 0,
        metrics: MetricCollection | None = None,
        task_metrics: bool = True,
    ) -> None:
        super().__init__()
        self.network = network
        self.standardize = standardize
        self.optimizer = optimizer
        self.schedule = schedule
        self.seed = seed
        self.own_metrics = metrics
        self.task_metrics = task_metrics
        # Optimizer steps that are taken of each batch of training.
        self.steps_per_batch = 1
        self._sums = self._new_sums()
        # Made where they are first needed: most members of a population are never evaluated alone.
        self.train_metrics: SplitMetrics | None = None
        self.val_metrics: SplitMetrics | None = None
        self.test_metrics: SplitMetrics | None = None

    @abstractmethod
    def row_losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Loss of each row, ``(..., n_rows)``, that training minimises.

        Args:
            outputs: ``(..., n_rows, n_outputs)`` from the network; leading dimensions hold models side by side.
            target: as the data module hands it out, with the same leading dimensions.
        """

    @abstractmethod
    def mean_of_members(self, outputs: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)`` that give the mean answer of ``(batch, members, n_outputs)``."""

    @abstractmethod
    def loss_in_units(self, loss: Tensor) -> Tensor:
        """A mean of row losses as it is reported."""

    @abstractmethod
    def predictions(self, outputs: Tensor) -> Tensor:
        """Predictions that metrics compare with the target.

        Args:
            outputs: ``(..., n_rows, n_outputs)``; leading dimensions hold models side by side.

        Returns:
            Of two classes the probability of class 1, ``(..., n_rows)``; of more, probabilities ``(..., n_rows,
            n_classes)``; of a regression values ``(..., n_rows, n_targets)`` in the targets' units.
        """

    def metrics(self, outputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Metrics of all rows of a split, by name, without the loss.

        A subclass may add values of its own, which are reported like all others; its evaluations then keep the outputs
        of every row.

        Args:
            outputs: ``(n_rows, n_outputs)``.
            target: ``(n_rows,)`` or ``(n_rows, n_targets)``, raw.
        """
        metrics = self._collection(outputs)
        for metric in metrics.values(copy_state=False):
            # The rows are those of all processes.
            metric.sync_on_compute = False
        self.label_as_predicted(metrics, outputs.dtype)
        count(metrics, self.predictions(outputs), target)
        return in_order(numbers(metrics, loss=self.row_losses(outputs, target).mean()))

    @abstractmethod
    def correct(self, outputs: Tensor, target: Tensor) -> Tensor | None:
        """Which rows are labelled correctly, ``(..., n_rows)`` bool; None for a regression.

        Args:
            outputs: ``(..., n_rows, n_outputs)``; leading dimensions hold models side by side.
            target: with the same leading dimensions.
        """

    @abstractmethod
    def answers(self, outputs: Tensor) -> Prediction:
        """Answers of outputs ``(batch, n_outputs)``."""

    @abstractmethod
    def spread(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Standard deviation of what the members ``(batch, members, n_outputs)`` answer, see ``Prediction``.

        Args:
            outputs: of every member.
            labels: that all of them give together.
        """

    def predict(self, features: Tensor) -> Prediction:
        """Answers for features ``(batch, n_features)``, not standardised."""
        outputs = self.network(self.standardize(features.to(self.dtype)))
        if outputs.ndim == 2:
            return self.answers(outputs)
        together = self.answers(self.mean_of_members(outputs))
        return together._replace(spread=self.spread(outputs, together.labels))

    def forward(self, features: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)`` of the network for features ``(batch, n_features)``, not standardised.

        Of an ensemble in training, those of each member, ``(batch, members, n_outputs)``. The steps of training do
        not call it: they give ``network`` the features of several steps, standardised at once.
        """
        outputs: Tensor = self.network(self.standardize(features.to(self.dtype)))
        return self.mean_of_members(outputs) if outputs.ndim == 3 and not self.training else outputs

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

    def on_validation_epoch_start(self) -> None:
        """Reset the metrics."""
        self._reset(["val"])

    def validation_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> None:  # noqa: ARG002
        """Add a batch to the metrics of the validation rows."""
        self._update("val", batch)

    def on_validation_epoch_end(self) -> None:
        """Log the loss and the metrics of the validation rows."""
        metrics = self.measured("val")
        self._check_finite(metrics["val/loss"])
        self.log_epoch(metrics)

    def on_test_epoch_start(self) -> None:
        """Reset the metrics."""
        self._reset(self._tested())

    def test_step(self, batch: tuple[Tensor, ...], batch_idx: int, dataloader_idx: int = 0) -> None:  # noqa: ARG002
        """Add a batch to the metrics of its split.

        Args:
            batch: ``(features, target, *weights)``.
            batch_idx: its number among those of its loader.
            dataloader_idx: number of the loader: ``Trainer.test`` takes a dict of loaders by the names of their splits,
                ``train``, ``val`` and ``test``; a loader without a name is that of the test rows.
        """
        self._update(self._tested()[dataloader_idx], batch)

    def on_test_epoch_end(self) -> None:
        """Log the loss and the metrics of the evaluated rows.

        Those of other splits than the test stay out of the loggers, where they would end the curves of their epochs.
        """
        for split in self._tested():
            self.log_epoch(self.measured(split), logger=None if split == "test" else False)

    def measured(self, split: SplitName) -> dict[str, Tensor]:
        """Loss and metrics of a split's last evaluation, under names such as ``test/acc``; empty without one."""
        counted: SplitMetrics | None = getattr(self, f"{split}_metrics")
        if counted is None:
            return {}
        values = counted.compute(self.loss_in_units)
        if counted.rows is None:
            return values
        of_model = {f"{split}/{name}": value for name, value in self.metrics(*counted.rows.compute()).items()}
        return in_order(values | of_model)

    def predict_step(self, batch: Any, batch_idx: int) -> Prediction:  # noqa: ARG002
        """Answers for a batch: features alone, or a tuple that starts with them."""
        return self.predict(batch if isinstance(batch, Tensor) else batch[0])

    def configure_optimizers(self) -> Optimizer | OptimizerLRSchedulerConfig:
        """Optimizer of all parameters, with its schedule."""
        optimizer = self.optimizer(self.parameters())
        if self.schedule is None:
            return optimizer
        schedule = self.schedule(
            optimizer,
            max_epochs=self.trainer.max_epochs,
            total_steps=int(self.trainer.estimated_stepping_batches),
        )
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

    def _check_finite(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise DivergedError(loss.item(), self.current_epoch)

    def _tested(self) -> list[SplitName]:
        """Splits of the loaders that ``Trainer.test`` was given."""
        loaders = self.trainer.test_dataloaders
        return list(loaders) if isinstance(loaders, dict) else ["test"]

    def _reset(self, splits: Iterable[SplitName]) -> None:
        for split in splits:
            if (counted := getattr(self, f"{split}_metrics")) is not None:
                counted.reset()

    def _update(self, split: SplitName, batch: tuple[Tensor, ...]) -> None:
        features, target, *_ = batch
        outputs: Tensor = self(features)
        counted: SplitMetrics | None = getattr(self, f"{split}_metrics")
        if counted is None:
            # A subclass computes its own metrics of all rows at once.
            is_own = type(self).metrics is not TaskModule.metrics
            counted = SplitMetrics(split, self._collection(outputs), keeps_rows=is_own).to(outputs.device)
            setattr(self, f"{split}_metrics", counted)
        self.label_as_predicted(counted.metrics, outputs.dtype)
        counted.update(self.row_losses(outputs, target), self.predictions(outputs), target, outputs)

    def _collection(self, outputs: Tensor) -> MetricCollection:
        """Empty metrics for outputs of this width, type and device."""
        of_task = TaskMetrics(task=self.task.name, num_classes=outputs.shape[-1]) if self.task_metrics else None
        metrics = joined(of_task, self.own_metrics)
        if outputs.dtype == torch.float64:
            metrics.set_dtype(torch.float64)
        return metrics.to(outputs.device)

    def label_as_predicted(self, metrics: MetricCollection, dtype: torch.dtype) -> None:
        """Set the threshold of metrics to the model's, where there is one."""
