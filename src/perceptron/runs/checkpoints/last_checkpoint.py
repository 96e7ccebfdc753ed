"""The checkpoint ``last.ckpt``, written every few seconds, from which a killed run is resumed."""

import time
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Checkpoint

from perceptron.runs.checkpoints.exact_resume import at_safe_point


class LastCheckpoint(Checkpoint):
    """Writes ``last.ckpt`` every few seconds, between two steps or at an epoch's end, and when training ends.

    The interval is a time, not a number of steps: it bounds the work that a killed run loses, and writing takes the
    same share of the time in short and long runs.

    Args:
        dirpath: the checkpoint's folder.
        every_seconds: how much work may be lost, in seconds; 0 writes at every point that allows exact resume.

    Raises:
        TypeError: if ``every_seconds`` is not a number.
    """

    # Its hooks may be called once per group of steps.
    takes_groups = True

    def __init__(self, *, dirpath: str, every_seconds: float = 10.0) -> None:
        if not isinstance(every_seconds, int | float):
            raise TypeError(f"every_seconds must be a number, got {every_seconds}")
        self.path = Path(dirpath) / "last.ckpt"
        self.every_seconds = every_seconds
        self._written = 0.0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Start the clock."""
        self._written = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Write during a long epoch."""
        if self._is_due(trainer) and at_safe_point(trainer, batch_idx):
            self._write(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Write, after early stopping and the best checkpoint have seen the epoch."""
        if self._is_due(trainer):
            self._write(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Write the last weights."""
        self._write(trainer)

    def _is_due(self, trainer: L.Trainer) -> bool:
        # All processes write together, at the time of the first one's clock.
        due = time.monotonic() - self._written >= self.every_seconds
        return due if trainer.world_size == 1 else trainer.strategy.broadcast(due)

    def _write(self, trainer: L.Trainer) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self.path, weights_only=False)
        self._written = time.monotonic()
