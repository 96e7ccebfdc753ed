"""Progress as a line for each epoch, in a terminal, a file and a run's log."""

import logging

import lightning as L
from lightning.pytorch.callbacks import ProgressBar

from perceptron.callbacks.progress import latest_metrics

log = logging.getLogger(__name__)


class EpochLines(ProgressBar):
    """Logs a line with the latest metrics after each epoch."""

    takes_groups = True

    def __init__(self) -> None:
        super().__init__()
        self._enabled = True

    def disable(self) -> None:
        """Log nothing; Lightning calls it on all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Log again."""
        self._enabled = True

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Log the epoch's line."""
        if self._enabled:
            total = trainer.max_epochs
            of_total = f"/{total}" if total and total > 0 else ""
            log.info("epoch %d%s  %s", trainer.current_epoch + 1, of_total, latest_metrics(trainer))
