"""The results of a run on the terminal, and in the run's log."""

import io
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from perceptron.runs.metric_display import HOW_TO_READ, metric_table, other_metrics, undefined_notes
from perceptron.terminal.status import clear
from perceptron.terminal.text import IS_PRINTED, say, visible

log = logging.getLogger(__name__)

_LOG_WIDTH = 100


def print_results(metrics: Mapping[str, float], *, title: str, folder: Path, notes: Sequence[str]) -> None:
    """Print a table of metrics with a column per split, notes, and the run's folder; write the same to the run's log.

    Args:
        metrics: values under names like ``test/acc``.
        title: printed above the table.
        folder: the run's folder.
        notes: lines below the table.
    """
    tables = _tables(metrics, title)
    clear()
    for table in tables:
        Console().print(table)
    # With hydra.job.chdir=true the working folder is the run's own, from which the command was not typed.
    is_below = folder.is_relative_to(Path.cwd()) and folder != Path.cwd()
    shown = folder.relative_to(Path.cwd()) if is_below else folder
    lines = [*undefined_notes(metrics), *notes]
    lines += [f"reading     {HOW_TO_READ}"] if tables else []
    lines.append(f"run folder  {shown}")
    if (folder / "tensorboard").is_dir():
        lines.append(f"dashboard   tensorboard --logdir {shown.parent}")
    for line in lines:
        say(line)
    text = io.StringIO()
    for table in tables:
        # In a notebook, rich would show it there instead, and it would colour it where FORCE_COLOR is set.
        Console(file=text, width=_LOG_WIDTH, force_jupyter=False, force_terminal=False).print(table)
    log.info("%s", "\n".join([*text.getvalue().splitlines(), *lines]), extra={IS_PRINTED: True})


def _tables(metrics: Mapping[str, float], title: str) -> list[Table]:
    """One of the metrics with a column per split, and one of those under other names, where there are any."""
    splits, rows = metric_table(metrics)
    others = other_metrics(metrics)
    tables = []
    if splits:
        tables.append(_table(["metric", *splits], rows))
    if others:
        tables.append(_table(["metric", "value"], others))
    if tables:
        # rich interprets no markup in a Text.
        tables[0].title = Text(visible(title), style="table.title")
    return tables


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title_justify="left")
    for i, name in enumerate(header):
        table.add_column(name, justify="right" if i else "left")
    for label, *values in rows:
        table.add_row(Text(visible(label)), *values)
    return table
