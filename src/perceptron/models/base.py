"""What the three kinds of task share: the loop's steps, the epoch's metrics, the optimizer."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

import lightning as L
import torch
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.types import LRSchedulerConfigType, OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from perceptron.errors import DivergedError
from perceptron.models.epoch_rows import EpochRows
from perceptron.models.standardize import Standardize
from perceptron.randomness import Stream, derive_seed
from perceptron.tasks import SplitName

log = logging.getLogger(__name__)

# Where Lightning logs single steps unless told otherwise.
_STEP_HOOKS = (
    "training_step", "on_train_batch_start", "on_before_zero_grad", "on_before_backward", "on_after_backward",
    "on_before_optimizer_step", "on_train_batch_end",
)  # fmt: skip
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


class TaskModule(L.LightningModule, ABC):
    """A network with its standardisation, trained on one kind of task. Abstract.

    Takes features and targets as the data module hands them out, less their offsets; ``Answers`` takes raw features.
    The fitted standardisation is part of the state. Losses are summed by hand and logged once an epoch, and metrics are
    computed once over an epoch's gathered outputs, because ``self.log`` and a metric's update in every step each cost
    as much as the step of a small network.

    Args:
        network: maps ``(batch, n_features)`` standardised features to ``(batch, n_outputs)``, or to
            ``(batch, members, n_outputs)`` where it is an ensemble: each member is trained on its own loss, and what
            is evaluated and predicted is their mean.
        standardize: layer in front of the network.
        optimizer: gives the optimizer of the parameters.
        schedule: gives the learning-rate schedule, see ``perceptron.models.schedules``; None for a constant rate.
        seed: seed of the noise (dropout) that the network draws in training.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        standardize: Standardize,
        optimizer: OptimizerFactory = SGD,
        schedule: ScheduleFactory | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.network = network
        self.standardize = standardize
        self.optimizer = optimizer
        self.schedule = schedule
        self.seed = seed
        # Rows of each of the optimizer steps that are handed over as one batch, see perceptron.callbacks.several_steps.
        self.rows_per_step: int | None = None
        # The split that `Trainer.test` is run on; names its metrics.
        self.evaluated: SplitName = "test"
        # What the last `Trainer.test` found, also where logging is switched off.
        self.results: dict[str, float] = {}
        self._loss_sum = torch.zeros(())
        self._n_rows = 0
        self._outputs = EpochRows()
        # Names that were logged since the loggers last heard of them, of training and of evaluation.
        self._unheard: dict[bool, list[str]] = {True: [], False: []}
        self._warned: set[str] = set()

    def __setattr__(self, name: str, value: Any) -> None:
        """Take the name of the hook that is called, which Lightning sets 46 times a step, as it is.

        torch looks each value through for parameters, which were a fifteenth of a small network's step (measured).
        """
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

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
    def metrics(self, outputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Metrics of all rows of a split, by name, as ``perceptron.tasks`` lists them, without the loss.

        Args:
            outputs: ``(..., n_rows, n_outputs)``; leading dimensions hold models side by side.
            target: ``(..., n_rows)`` or ``(..., n_rows, n_targets)``, not standardised.
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

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the sums of the epoch so far, one row per process; refuse a state that has diverged."""
        sums = torch.stack([self._loss_sum.double(), self._loss_sum.new_tensor(self._n_rows, dtype=torch.float64)])
        if not torch.isfinite(sums[0]):
            raise DivergedError(sums[0].item(), self.current_epoch)
        of_all: Any = self.all_gather(sums)
        checkpoint["epoch_sums"] = of_all.reshape(-1, 2).cpu()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take them up again, for an epoch that goes on in its middle."""
        sums = checkpoint.get("epoch_sums")
        if sums is not None and self.global_rank < len(sums):
            self._loss_sum = sums[self.global_rank, 0].float()
            self._n_rows = int(sums[self.global_rank, 1])

    def on_train_start(self) -> None:
        """Have the sums where the losses are."""
        self._loss_sum = self._loss_sum.to(self.device)

    def on_train_epoch_start(self) -> None:
        """Start the epoch's stream of noise and its sum of losses."""
        seed = derive_seed(self.seed, Stream.NOISE, self.current_epoch, self.global_rank)
        # The other keeps a traceback for each device that is not in use yet, half a millisecond.
        (torch.default_generator if self.device.type == "cpu" else torch).manual_seed(seed)
        self._loss_sum = torch.zeros((), device=self.device)
        self._n_rows = 0

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor | None:
        """Mean loss of a batch, for Lightning to step by; or the steps themselves, where ``rows_per_step`` is set.

        Args:
            batch: ``(features, target, *weights)``.
            batch_idx: its number in the epoch.
        """
        features, *others = batch
        batch = (self.standardize(features), *others)
        if self.rows_per_step is None:
            loss = self._mean_loss(batch)
            every = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
            if every and (batch_idx + 1) % every == 0:
                self.log("train/loss_step", self.loss_in_units(loss.detach()), on_step=True, on_epoch=False)
            return loss
        # Lightning's, which counts the steps.
        optimizer = cast(Optimizer, self.optimizers())
        for of_step in zip(*(torch.split(column, self.rows_per_step) for column in batch), strict=True):
            loss = self._mean_loss(of_step)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return None

    def _mean_loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Of ``(standardised features, target, *weights)``, each row's times its weights; added to the epoch's sum."""
        features, target, *weights = batch
        losses = self._training_losses(features, target)
        for weight in weights:
            losses = losses * weight
        loss = losses.mean()
        self._loss_sum += loss.detach() * len(features)
        self._n_rows += len(features)
        return loss

    def on_train_epoch_end(self) -> None:
        """Log the mean loss of the epoch's steps."""
        sums = torch.stack([self._loss_sum, self._loss_sum.new_tensor(float(self._n_rows))])
        loss_sum, n_rows = self.trainer.strategy.reduce(sums, reduce_op="sum")
        self._check_finite(loss_sum)
        self._log({"train/loss": self.loss_in_units(loss_sum / n_rows)})

    def validation_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> None:  # noqa: ARG002
        """Keep the outputs of a batch."""
        trainer = self.trainer
        n_batches = sum(trainer.num_test_batches if trainer.testing else trainer.num_val_batches)
        self._outputs.add(self(batch[0]), batch[1], n_batches=n_batches)

    def test_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> None:
        """Keep the outputs of a batch."""
        self.validation_step(batch, batch_idx)

    def on_validation_epoch_end(self) -> None:
        """Log the loss and the metrics of the validation rows."""
        metrics = self._epoch_metrics("val")
        self._check_finite(metrics["val/loss"])
        self._log(metrics)

    def on_test_epoch_end(self) -> None:
        """Log the loss and the metrics of the evaluated rows."""
        metrics = self._epoch_metrics(self.evaluated)
        self.results = {name: value.item() for name, value in metrics.items()}
        self._log(metrics)

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
        self._training_losses = torch.compile(self._training_losses, mode=mode)  # type: ignore[method-assign]

    def _training_losses(self, features: Tensor, target: Tensor) -> Tensor:
        outputs: Tensor = self.network(features)
        if outputs.ndim == 2:
            return self.row_losses(outputs, target)
        members = outputs.shape[1]
        losses = self.row_losses(outputs.flatten(0, 1), target.repeat_interleave(members, dim=0))
        return losses.view(-1, members).mean(dim=1)

    def log(
        self,
        name: str,
        value: Any,
        prog_bar: bool = False,
        logger: bool | None = None,
        on_step: bool | None = None,
        on_epoch: bool | None = None,
        *others: Any,
        **named: Any,
    ) -> None:
        """Log a metric as Lightning does, but let the module itself hand an epoch's metrics to the loggers.

        So the metrics of callbacks stand beside the module's, under the number of the last optimizer step, however many
        steps were one batch to Lightning; and they are written before the epoch's checkpoint, so that a run that goes
        on from it logs nothing twice and leaves nothing out. Outside of a fit of single steps Lightning does it, which
        returns what it has logged.
        """
        trainer = self.trainer
        of_step = on_step or (on_step is None and trainer.training and self._current_fx_name in _STEP_HOOKS)
        if logger is not False and not trainer.barebones:
            if not of_step and self._logs_itself:
                unheard = self._unheard[trainer.training]
                unheard += [] if name in unheard else [name]
                logger = False
            elif of_step and not trainer.log_every_n_steps and name not in self._warned:  # type: ignore[attr-defined]
                self._warned.add(name)
                log.warning(
                    "%s is logged at steps, and trainer.log_every_n_steps=0 keeps steps out of the loggers; set "
                    "trainer.log_every_n_steps=1, or log it with on_step=False and on_epoch=True",
                    name,
                )
        super().log(name, value, prog_bar, logger, on_step, on_epoch, *others, **named)

    def _log(self, metrics: dict[str, Tensor]) -> None:
        # A barebones trainer warns of every log.
        if self.trainer.barebones:
            return
        self.log_dict(metrics)
        if not self._logs_itself:
            return
        names = self._unheard[self.trainer.training]
        found = self.trainer.callback_metrics
        values = {name: found[name].item() for name in names if name in found}
        names.clear()
        if self.trainer.sanity_checking:
            return
        # Numbered as in Lightning, from 0; after the training by the number of all steps.
        step = max(self.trainer.global_step - (not self.trainer.testing), 0)
        for each in self.trainer.loggers:
            each.log_metrics({**values, "epoch": self.current_epoch}, step=step)
            each.save()

    @property
    def _logs_itself(self) -> bool:
        return self.trainer.state.fn == TrainerFn.FITTING or self.rows_per_step is not None

    def _check_finite(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise DivergedError(loss.item(), self.current_epoch)

    def _epoch_metrics(self, split: SplitName) -> dict[str, Tensor]:
        outputs, target = self._outputs.take()
        if self.trainer.world_size > 1:
            outputs, target = self._gathered(outputs), self._gathered(target)
        values = {"loss": self.loss_in_units(self.row_losses(outputs, target).mean())}
        values |= self.metrics(outputs, target)
        return {f"{split}/{name}": value for name, value in values.items()}

    def _gathered(self, rows: Tensor) -> Tensor:
        """Rows of all processes, whose shares may differ by one."""
        longest = int(self.trainer.strategy.reduce(torch.tensor(len(rows), device=self.device), reduce_op="max"))
        marked = torch.zeros(longest, dtype=torch.bool, device=self.device)
        marked[: len(rows)] = True
        padded = torch.cat([rows, rows.new_zeros(longest - len(rows), *rows.shape[1:])])
        gathered, kept = self.all_gather((padded, marked))
        of_all: Tensor = gathered.flatten(0, 1)[kept.flatten()]
        return of_all
