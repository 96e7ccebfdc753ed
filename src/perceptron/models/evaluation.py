"""Evaluation and prediction with a network: the half of a task's module that needs no training."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torchmetrics import MetricCollection

from perceptron.errors import DivergedError
from perceptron.metrics import TaskMetrics
from perceptron.models.epoch_logging import EpochLoggingModule
from perceptron.models.split_metrics import SplitMetrics, count, in_order, joined, numbers
from perceptron.models.standardize import Standardize
from perceptron.tasks import SplitName, Task


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


class EvaluatedModule(EpochLoggingModule, ABC):
    """A network with its standardisation, which predicts and is evaluated. Abstract; training is in ``TaskModule``.

    Metrics are updated in the steps of evaluation, whose batches are large.

    Args:
        network: see ``TaskModule``, as are the others.
        standardize: layer in front of the network.
        metrics: reported beside the loss and the task's metrics.
        task_metrics: whether the task's metrics are reported.
    """

    # Set by the leaves.
    task: ClassVar[Task]

    def __init__(
        self, *, network: nn.Module, standardize: Standardize, metrics: MetricCollection | None, task_metrics: bool
    ) -> None:
        super().__init__()
        self.network = network
        self.standardize = standardize
        self.own_metrics = metrics
        self.task_metrics = task_metrics
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
            is_own = type(self).metrics is not EvaluatedModule.metrics
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
