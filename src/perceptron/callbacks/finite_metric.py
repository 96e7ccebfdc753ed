"""End a run whose monitored metric is no longer a number."""

import math

import lightning as L

from perceptron.errors import DivergedError


class FiniteMetric(L.Callback):
    """Ends a run after an epoch whose monitored metric is NaN or infinite, as this project's models end theirs.

    Args:
        monitor: name of the metric.
    """

    # Its hooks may be called once per group of steps.
    takes_groups = True

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Check the epoch's value.

        Raises:
            DivergedError: where it is not finite.
        """
        value = trainer.callback_metrics.get(self.monitor)
        if value is not None and not math.isfinite(value.item()):
            raise DivergedError(value.item(), trainer.current_epoch)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The same, before a checkpoint of it is kept."""
        if not trainer.sanity_checking:
            self.on_train_epoch_end(trainer, pl_module)
