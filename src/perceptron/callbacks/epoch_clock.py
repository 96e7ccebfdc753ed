"""How long the epochs of a training take, for an estimate of one that has more of them."""

import json
import time
from pathlib import Path

import lightning as L

from perceptron.files.writing import write_text


class EpochClock(L.Callback):
    """Measures each epoch from its start to that of the next, with validation and whatever else happens between them.

    Args:
        path: where the seconds of each epoch are written as JSON at the end; None to keep them in memory.
        enough: seconds of an epoch after which training ends: its length is known well enough.

    Attributes:
        seconds: of each epoch.
    """

    takes_groups = True

    def __init__(self, *, path: str | None = None, enough: float = 5.0) -> None:
        self.path = path
        self.enough = enough
        self.seconds: list[float] = []
        self._started: float | None = None

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Begin an epoch, which ends the one before."""
        self._end_epoch()
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """End a training whose epochs are long, in all processes of a strategy at once."""
        is_long = self._started is not None and time.perf_counter() - self._started > self.enough
        if trainer.strategy.reduce_boolean_decision(is_long, all=False):
            trainer.should_stop = True

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """End the last epoch."""
        self._end_epoch()
        if self.path is not None and trainer.is_global_zero:
            write_text(Path(self.path), json.dumps(self.seconds))

    def _end_epoch(self) -> None:
        if self._started is not None:
            self.seconds.append(time.perf_counter() - self._started)
            self._started = None
