"""Saving a run's state when a signal ends it."""

import os
import signal
from pathlib import Path
from types import FrameType
from typing import Any, Self

import lightning as L
from lightning.pytorch.callbacks import Checkpoint

from perceptron.errors import InterruptedRunError
from perceptron.invocation import for_shell
from perceptron.runs.checkpoints.exact_resume import at_safe_point
from perceptron.runs.folder import Run
from perceptron.runs.loggers import log_step
from perceptron.terminal.signals import ending_signals, interrupt, raise_if_lost


class SaveOnSignal(Checkpoint):
    """Saves the state on SIGINT, SIGTERM and SIGHUP, at the next point that allows exact resume, and ends the run.

    In a SLURM job it does so on SIGUSR1 too, which ``sbatch --signal=USR1@90`` sends before the time limit. A second
    signal ends the run at once. It is a context manager, which handles the signals inside.

    Args:
        folder: the run's folder.
    """

    # Its hooks may be called once per group of steps.
    takes_groups = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._received: int | None = None
        self._training = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.getsignal(number) for number in _signals()}
        raise_if_lost()
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """From now on wait until the state can be saved. Lightning has replaced the handlers meanwhile."""
        self._training = True
        self._listen()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Save and end between two steps."""
        if self._is_called(trainer) and at_safe_point(trainer, batch_idx):
            log_step(trainer)
            self._end(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Save and end, after early stopping and the best checkpoint have seen the epoch."""
        if self._is_called(trainer):
            self._end(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """From now on a signal ends the run at once: the state is saved."""
        self._training = False
        if self._is_called(trainer):
            self._end(trainer)

    def _listen(self) -> None:
        for number in self._before:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._training and self._received is None:
            self._received = number
        else:
            interrupt(number, Run(self.folder).resume_advice)

    def _is_called(self, trainer: L.Trainer) -> bool:
        called = self._received is not None
        # A signal may reach only one process, but all must save together.
        return called if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(called, all=False)

    def _end(self, trainer: L.Trainer) -> None:
        trainer.save_checkpoint(self.folder / "checkpoints" / "last.ckpt", weights_only=False)
        raise InterruptedRunError(
            self._received or signal.SIGTERM,
            f"saved after step {trainer.global_step}; continue with perceptron resume {for_shell('run', self.folder)}",
        )


def _signals() -> tuple[int, ...]:
    numbers = ending_signals()
    is_told_of_time_limit = "SLURM_JOB_ID" in os.environ and hasattr(signal, "SIGUSR1")
    return (*numbers, signal.SIGUSR1) if numbers and is_told_of_time_limit else numbers
