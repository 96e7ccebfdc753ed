"""The newest state of a run, on the disk every few seconds."""

import time
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Checkpoint

from perceptron.runs.resume import at_safe_point


class LastCheckpoint(Checkpoint):
    """Writes ``last.ckpt`` where so many seconds have gone by, between two steps or at an epoch's end; and at the end.

    By time, not by steps: a killed run loses at most so much work, and writing costs the same share of a short run and
    of a long one.

    Args:
        dirpath: folder of the checkpoint.
        every_seconds: how much work may be lost, in seconds; 0 writes wherever a run can go on from.

    Raises:
        TypeError: where ``every_seconds`` is no number.
    """

    # One batch may be several steps to it.
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
        """Write within a long epoch."""
        if self._is_due(trainer) and at_safe_point(trainer, batch_idx):
            self._write(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Write, after what stops early or keeps the best has looked at the epoch."""
        if self._is_due(trainer):
            self._write(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Write the last weights."""
        self._write(trainer)

    def _is_due(self, trainer: L.Trainer) -> bool:
        # All processes write together, so the first one's clock decides.
        due = time.monotonic() - self._written >= self.every_seconds
        return due if trainer.world_size == 1 else trainer.strategy.broadcast(due)

    def _write(self, trainer: L.Trainer) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self.path, weights_only=False)
        self._written = time.monotonic()
