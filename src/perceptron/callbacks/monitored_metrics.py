"""Check during training that every monitored metric is logged."""

from collections.abc import Callable, Collection

import lightning as L


class MonitoredMetrics(L.Callback):
    """Ends a run at the end of the first epoch that did not log a metric that something monitors.

    Args:
        check: raises ``UsageError`` where a monitored metric is not among the names that it is given.
    """

    def __init__(self, check: Callable[[Collection[str]], None]) -> None:
        self.check = check

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Check the metrics that earlier epochs have logged.

        Raises:
            UsageError: where a monitored metric is not among them.
        """
        if trainer.callback_metrics:
            self.check(trainer.callback_metrics)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Check the metrics of the last epoch."""
        self.on_train_epoch_start(trainer, pl_module)
