"""Check during training that every monitored metric is logged."""

from collections.abc import Callable

import lightning as L


class MonitoredMetrics(L.Callback):
    """Ends a run at the end of the first epoch that did not log a metric that something monitors.

    Args:
        check: gets the names that were logged, and ``has_validated``: whether those of validation rows are among them;
            raises ``UsageError`` where a monitored metric is not.
    """

    # Its hooks may be called once per group of steps.
    takes_groups = True

    def __init__(self, check: Callable[..., None]) -> None:
        self.check = check
        self._has_validated = False

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """From now on metrics of validation rows must be there."""
        self._has_validated = self._has_validated or not trainer.sanity_checking

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Check the metrics that earlier epochs have logged; before the first there are none.

        Raises:
            UsageError: where a monitored metric is not among them.
        """
        # A module without validation_step will never log more than it does in training.
        never = not trainer.enable_validation and trainer.limit_val_batches != 0
        if trainer.callback_metrics or (never and trainer.global_step):
            self.check(trainer.callback_metrics, has_validated=self._has_validated or never)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Check the metrics of the last epoch."""
        self.on_train_epoch_start(trainer, pl_module)
