"""A run's loggers: what they get of its results, and how a resumed run continues their files."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from torch.utils.tensorboard.summary import hparams

from perceptron.errors import UsageError, reason
from perceptron.files.reading import read_limited

_CSV_FILE = "metrics.csv"
_MOST_BYTES = 2**30


def create_log_files(logger: Logger) -> None:
    """Create a logger's files, as Lightning does before the first step."""
    if isinstance(logger, TensorBoardLogger | CSVLogger):
        assert logger.experiment  # noqa: S101
        logger.save()
    elif isinstance(logger, MLFlowLogger | WandbLogger):
        # A tracker's run begins when it is first asked for.
        assert logger.experiment  # noqa: S101


def remove_events(loggers: Iterable[Logger]) -> None:
    """Delete TensorBoard's files of an earlier attempt at a run that starts anew; other loggers replace their own."""
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            for path in Path(logger.log_dir).glob("events.out.tfevents.*"):
                path.unlink()


def log_scalars(logger: Logger, *metrics: Mapping[str, float], step: int) -> None:
    """Log metrics one after another under one step; for TensorBoard in a single event.

    One event per metric, as Lightning writes them, takes three times as long (measured), which is most of the time
    that a small model's run folder takes.
    """
    if isinstance(logger, TensorBoardLogger):
        values = [Summary.Value(tag=name, simple_value=value) for some in metrics for name, value in some.items()]
        logger.experiment.file_writer.add_summary(Summary(value=values), step)
    else:
        for some in metrics:
            logger.log_metrics(dict(some), step)


def log_step(trainer: L.Trainer) -> None:
    """Log the step just taken, if steps are logged, for a training that ends now.

    Lightning logs it only after the callbacks.
    """
    every = trainer.log_every_n_steps  # type: ignore[attr-defined]
    if not every or trainer.global_step % every:
        return
    values = {name: value.item() for name, value in trainer.logged_metrics.items()}
    for logger in trainer.loggers if values else ():
        logger.log_metrics({**values, "epoch": trainer.current_epoch}, step=trainer.global_step - 1)
        logger.save()


def log_results(
    loggers: Sequence[Logger],
    *,
    hyper_parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    step: int,
    best: Mapping[str, Any] | None = None,
) -> None:
    """Log settings and final metrics, in TensorBoard on the HPARAMS tab; to a tracker also the checkpoint's name.

    The curves of each epoch's metrics keep their names: values of the best weights on training and validation rows are
    called ``best/val/acc``.

    Args:
        loggers: of the run.
        hyper_parameters: settings, as numbers, texts and booleans.
        metrics: values under names like ``test/acc``.
        step: the run's last optimizer step.
        best: see ``best_entry``.
    """
    checkpoint = (best or {}).get("checkpoint")
    # A user's model may call its metrics test_acc.
    final = {name if name.startswith("test") else f"best/{name}": value for name, value in metrics.items()}
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            # Lightning has closed the file; entries that its writer adds on its own would open another.
            logger.experiment.add_custom_scalars(_scalars_layout(metrics))
            _write_session(logger, hyper_parameters)
        elif checkpoint and isinstance(logger, MLFlowLogger | WandbLogger):
            logger.log_hyperparams({**hyper_parameters, "checkpoint": checkpoint})
        else:
            logger.log_hyperparams(dict(hyper_parameters))
        log_scalars(logger, final, step=step)
        logger.finalize("success")


def reopen_logs(loggers: Iterable[Logger], *, steps: int) -> None:
    """Continue the logs of a run that is resumed after so many optimizer steps; later rows are dropped.

    Call it before anything is logged: Lightning's CSVLogger deletes its file when it opens a folder again.

    Raises:
        UsageError: if a log cannot be read.
    """
    for logger in loggers:
        if isinstance(logger, CSVLogger):
            _reopen_csv(logger, steps)


def hide_later_events(loggers: Iterable[Logger], *, steps: int) -> None:
    """Have TensorBoard discard what was logged after so many optimizer steps."""
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            writer = logger.experiment.file_writer
            writer.add_event(Event(step=steps, file_version="brain.Event:2"))
            writer.add_event(Event(step=steps, session_log=SessionLog(status=SessionLog.START)))


def _write_session(logger: TensorBoardLogger, hyper_parameters: Mapping[str, Any]) -> None:
    """Enter a finished run into TensorBoard's HPARAMS tab.

    No description of an experiment is written: TensorBoard applies the first one it finds to all runs, and hides
    settings that only other runs have. Without one, it collects the columns from all runs, typed by their values, those
    that differ first.
    """
    # Each run gets its own row, even if another has the same settings. The table shows only the start of the name.
    parts = [part for part in Path(logger.log_dir).resolve().parts if part != logger.name]
    start = hparams_pb(dict(hyper_parameters), trial_id=" ".join(reversed(parts[-4:])))
    _, _, end = hparams({}, {})  # type: ignore[no-untyped-call]
    for summary in (start, end):
        logger.experiment.file_writer.add_summary(summary)


def _scalars_layout(metrics: Iterable[str]) -> dict[str, dict[str, list[Any]]]:
    """Charts of the CUSTOM SCALARS tab: training and validation of each metric in one.

    Args:
        metrics: names like ``val/acc``; the tags of a chart are regular expressions.
    """
    names = dict.fromkeys(name.partition("/")[2] for name in metrics)
    return {"Training and validation": {name: ["Multiline", [f"^(train|val)/{re.escape(name)}$"]] for name in names}}


def _reopen_csv(logger: CSVLogger, steps: int) -> None:
    """Have the logger write the rows before a step again, with the same texts."""
    path = Path(logger.log_dir) / _CSV_FILE
    # Until they are written again, the rows are kept beside it, in case this process is killed too.
    kept = path.with_name(f".{_CSV_FILE}.kept")
    source = kept if kept.is_file() else path
    if not source.is_file():
        return
    try:
        rows = list(_csv_rows(source))
    except (OSError, csv.Error, ValueError) as error:
        raise UsageError(
            f"a resumed run's log must be readable, got {reason(error, lines=1)} in {source}; delete it"
        ) from error
    if source == path:
        path.replace(kept)
    for step, row in rows:
        if step < steps:
            logger.experiment.log_metrics(row, step)
    logger.experiment.save()
    kept.unlink()


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Step and cells of each row; a killed process may have left part of one."""
    text = read_limited(path, most=_MOST_BYTES).decode()
    for row in csv.DictReader(StringIO(text, newline="")):
        cells = {str(name): value for name, value in row.items() if name and value}
        if cells.get("step", "").isdecimal():
            yield int(cells.pop("step")), cells
