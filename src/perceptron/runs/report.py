"""What a finished run says on the terminal and to its loggers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from torch.utils.tensorboard.summary import hparams

from perceptron.runs.metric_rows import metric_rows
from perceptron.runs.undefined import shown_value, undefined_notes
from perceptron.terminal.text import say, visible

_SPLITS = ("train", "val", "test")


def print_results(metrics: Mapping[str, float], *, title: str, folder: Path, notes: Sequence[str]) -> None:
    """A table of metrics with a column per split, then where things lie.

    Args:
        metrics: values under names like ``test/acc``.
        title: stands above the table.
        folder: the run's folder.
        notes: lines below the table.
    """
    splits = [split for split in _SPLITS if any(name.startswith(f"{split}/") for name in metrics)]
    if splits:
        # As Text, in which nothing is read as markup.
        table = Table(title=Text(visible(title), style="table.title"), title_justify="left")
        table.add_column("metric")
        for split in splits:
            table.add_column(split, justify="right")
        for name, shown_name in metric_rows(metrics).items():
            keys = (f"{split}/{name}" for split in splits)
            values = (shown_value(metrics[key]) if key in metrics else "" for key in keys)
            table.add_row(Text(visible(shown_name)), *values)
        Console().print(table)
    for note in [*undefined_notes(metrics), *notes]:
        say(note)
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    say(f"run folder  {shown}")
    if (folder / "tensorboard").is_dir():
        say(f"dashboard   tensorboard --logdir {shown.parent}")


def log_results(
    loggers: Sequence[Logger], *, hyper_parameters: Mapping[str, Any], metrics: Mapping[str, float], step: int
) -> None:
    """Give the loggers the settings and the final metrics, in TensorBoard on the HPARAMS tab.

    The curves of an epoch's metrics keep their names for themselves: what the best weights give on training and
    validation rows is called ``best/val/acc``.
    """
    final = {name if name.startswith("test/") else f"best/{name}": value for name, value in metrics.items()}
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            # Lightning has closed the file; what the writer adds itself opens another.
            logger.experiment.add_custom_scalars(_scalars_layout(metrics))
            _write_session(logger, hyper_parameters)
        else:
            logger.log_hyperparams(dict(hyper_parameters))
        log_scalars(logger, final, step=step)
        logger.finalize("success")


def begin_log(logger: Logger) -> None:
    """Make a logger's files, as Lightning does before the first step."""
    if isinstance(logger, TensorBoardLogger | CSVLogger):
        assert logger.experiment  # noqa: S101
        logger.save()


def log_scalars(logger: Logger, *metrics: Mapping[str, float], step: int) -> None:
    """Log metrics one after another under one step; in TensorBoard as one event with all of them.

    An event for each, as Lightning writes them, takes three times as long (measured), which is most of what a small
    model's run folder takes.
    """
    if isinstance(logger, TensorBoardLogger):
        values = [Summary.Value(tag=name, simple_value=value) for some in metrics for name, value in some.items()]
        logger.experiment.file_writer.add_summary(Summary(value=values), step)
    else:
        for some in metrics:
            logger.log_metrics(dict(some), step)


def _write_session(logger: TensorBoardLogger, hyper_parameters: Mapping[str, Any]) -> None:
    """Enter a finished run into TensorBoard's HPARAMS tab.

    There is no description of an experiment beside it: TensorBoard takes the first that it finds for all runs, and
    hides what only other runs have. Without one it collects the columns from all runs, typed by their values, those
    that differ first.
    """
    # Each run is a row of its own, also where another has the same settings. The table shows only the name's start.
    folder = Path(logger.log_dir).resolve().parent
    start = hparams_pb(dict(hyper_parameters), trial_id=" ".join(reversed(folder.parts[-4:])))
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
