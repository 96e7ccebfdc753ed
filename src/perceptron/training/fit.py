"""Fit a model; failures are one line."""

from collections.abc import Callable

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException

from perceptron.errors import UsageError, reason
from perceptron.runs.loggers import reopen_logs
from perceptron.training.start import Start


def fit(
    trainer: L.Trainer,
    model: L.LightningModule,
    datamodule: L.LightningDataModule,
    start: Start | None,
    *,
    check_logged: Callable[..., None],
) -> None:
    """Fit a model, from a checkpoint or anew.

    Args:
        trainer: with callbacks and loggers.
        model: to be trained.
        datamodule: its data.
        start: checkpoint to go on from; None to start anew.
        check_logged: see ``MonitoredMetrics``.

    Raises:
        UsageError: where the trainer's settings do not suit the data, a monitored metric is not logged, or the
            checkpoint's states do not suit the model.
    """
    if trainer.is_global_zero:
        reopen_logs(trainer.loggers, steps=0 if start is None else start.steps)
    try:
        trainer.fit(model, datamodule=datamodule, ckpt_path=None if start is None else start.path, weights_only=True)
    except (MisconfigurationException, ValueError, RuntimeError, LookupError) as error:
        if "monitor" in str(error) or "conditioned on metric" in str(error):
            # Lightning only misses a metric after the validation that should have logged it.
            check_logged(trainer.callback_metrics, has_validated=True)
        # Lightning compares some settings with the number of batches only now, one of them with a ValueError.
        if isinstance(error, MisconfigurationException) or "val_check_interval" in str(error):
            raise UsageError(f"trainer must suit the data: {reason(error)}") from error
        _blame(start, trainer, error)
        raise


def _blame(start: Start | None, trainer: L.Trainer, error: Exception) -> None:
    """Blame the checkpoint for a failure before the first step after it, such as states of another shape.

    Raises:
        UsageError: for such a failure.
    """
    if start is not None and trainer.global_step <= start.checkpoint["global_step"]:
        raise UsageError(
            f"training cannot go on from {start.path}: {reason(error, lines=1)}; name another checkpoint"
        ) from error
