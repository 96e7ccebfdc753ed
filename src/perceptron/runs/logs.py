"""What loggers have written of a run that goes on: kept up to its checkpoint, hidden after it."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

import lightning as L
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from tensorboard.compat.proto.event_pb2 import Event, SessionLog

from perceptron.errors import UsageError, reason
from perceptron.files.reading import read_limited

_FILE = "metrics.csv"
_MOST_BYTES = 2**30


def reopen_logs(loggers: Iterable[Logger], *, steps: int) -> None:
    """Take up the logs of a run that goes on behind so many optimizer steps; what comes later is logged again.

    To be called before anything is logged: Lightning's CSVLogger deletes its file when it opens a folder again.
    """
    for logger in loggers:
        if isinstance(logger, CSVLogger):
            _reopen_csv(logger, steps)


def hide_later(loggers: Iterable[Logger], *, steps: int) -> None:
    """Let TensorBoard forget what was logged behind so many optimizer steps."""
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            writer = logger.experiment.file_writer
            writer.add_event(Event(step=steps, file_version="brain.Event:2"))
            writer.add_event(Event(step=steps, session_log=SessionLog(status=SessionLog.START)))


def log_step(trainer: L.Trainer) -> None:
    """Log the step that has just been taken, where steps are logged, for a training that ends behind it.

    Lightning does so only after the callbacks.
    """
    every = trainer.log_every_n_steps  # type: ignore[attr-defined]
    if not every or trainer.global_step % every:
        return
    values = {name: value.item() for name, value in trainer.logged_metrics.items()}
    for logger in trainer.loggers if values else ():
        logger.log_metrics({**values, "epoch": trainer.current_epoch}, step=trainer.global_step - 1)
        logger.save()


def _reopen_csv(logger: CSVLogger, steps: int) -> None:
    """Write the rows before a step anew, by the logger, with the texts that they have."""
    path = Path(logger.log_dir) / _FILE
    # Until they are written again they lie beside it, in case that this process is killed too.
    kept = path.with_name(f".{_FILE}.kept")
    source = kept if kept.is_file() else path
    if not source.is_file():
        return
    try:
        rows = list(_rows(source))
    except (OSError, csv.Error, ValueError) as error:
        raise UsageError(
            f"a run's log must be readable to be gone on with, got {reason(error, lines=1)} in {source}; delete it"
        ) from error
    if source == path:
        path.replace(kept)
    for step, row in rows:
        if step < steps:
            logger.experiment.log_metrics(row, step)
    logger.experiment.save()
    kept.unlink()


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Step and cells of each row; a killed process may have left a part of one."""
    text = read_limited(path, most=_MOST_BYTES).decode()
    for row in csv.DictReader(StringIO(text, newline="")):
        cells = {str(name): value for name, value in row.items() if name and value}
        if cells.get("step", "").isdecimal():
            yield int(cells.pop("step")), cells
