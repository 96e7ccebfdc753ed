"""Progress over epochs, in a terminal."""

import math
import time
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from perceptron.terminal.notebook import shows_bars
from perceptron.terminal.status import clear
from perceptron.terminal.text import DASH

_SECONDS_BETWEEN_UPDATES = 0.1
_SEPARATOR = "  "
# Columns of the shortest bar, of the time left, and between the five parts.
_OTHERS = 4 + 7 + 4


def latest_metrics(trainer: L.Trainer) -> str:
    """The latest of the metrics that progress is judged by, in one line; a dash for one that is undefined."""
    names = ("members", "train/loss", "val/loss", "val/acc", "val/r2")
    shown = {name: trainer.callback_metrics[name].item() for name in names if name in trainer.callback_metrics}
    return _SEPARATOR.join(f"{name} {DASH if math.isnan(value) else f'{value:.4g}'}" for name, value in shown.items())


class EpochBar:
    """A bar with the latest metrics and the time left; silent where stderr is neither a terminal nor a notebook's.

    Args:
        description: what is counted.
        total: how many there will be; None where nobody knows.
        completed: how many there are already.
    """

    def __init__(self, description: str, *, total: int | None, completed: int = 0) -> None:
        console = Console(stderr=True)
        self._progress: Progress | None = None
        self._room = console.width - len(description) - len(f"{total}/{total}") - _OTHERS
        self._bar = TaskID(0)
        self._updated = 0.0
        if shows_bars(console):
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                # A column that may wrap is narrowed before the others are cut.
                BarColumn(table_column=Column()),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[metrics]}", markup=False),
                console=console,
                transient=True,
            )
            self._bar = self._progress.add_task(description, total=total, completed=completed, metrics="")
            clear()
            self._progress.start()

    @property
    def is_shown(self) -> bool:
        """Whether it is on a terminal or in a notebook."""
        return self._progress is not None

    @property
    def is_due(self) -> bool:
        """Whether the last move was long enough ago for the next."""
        return self._progress is not None and time.monotonic() - self._updated > _SECONDS_BETWEEN_UPDATES

    def move(self, completed: float, metrics: str | None = None) -> None:
        """Show how many are completed, and the metrics where there are new ones."""
        if self._progress is not None:
            self._updated = time.monotonic()
            self._progress.update(self._bar, completed=completed)
            if metrics is not None:
                self._progress.update(self._bar, metrics=self._fitting(metrics))

    def stop(self) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _fitting(self, metrics: str) -> str:
        """As many of the metrics as the terminal has room for, the last first: those of validation rows."""
        parts = metrics.split(_SEPARATOR)
        while len(parts) > 1 and len(_SEPARATOR.join(parts)) > self._room:
            del parts[0]
        return _SEPARATOR.join(parts)


class EpochProgress(ProgressBar):
    """One bar over epochs with the latest metrics and the time left; silent where stderr is no terminal.

    Lightning's rich bar draws at every step, which costs a third of a small network's step (measured).
    """

    # It does not count batches: one may hold several steps.
    takes_groups = True

    def __init__(self) -> None:
        super().__init__()
        self._bar: EpochBar | None = None
        self._enabled = True

    def disable(self) -> None:
        """Draw nothing; Lightning calls it on all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Draw again."""
        self._enabled = True

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Show the bar."""
        if self._enabled:
            max_epochs = trainer.max_epochs
            total = max_epochs if max_epochs and max_epochs > 0 else None
            self._bar = EpochBar("epochs", total=total, completed=trainer.current_epoch)

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Move the bar within a long epoch."""
        if self._bar is not None and self._bar.is_due:
            self._bar.move(round(trainer.current_epoch + (batch_idx + 1) / trainer.num_training_batches, 2))

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Move the bar and show the epoch's metrics."""
        if self._bar is not None:
            self._bar.move(trainer.current_epoch + 1, latest_metrics(trainer))

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Remove the bar."""
        self._stop()

    def on_exception(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,  # noqa: ARG002
        exception: BaseException,  # noqa: ARG002
    ) -> None:
        """Restore the terminal."""
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
