"""The results of a run on the terminal, and in the run's log."""

import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from perceptron.runs.metric_display import HOW_TO_READ, metric_table, undefined_notes
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
    table = _table(metrics, title)
    if table is not None:
        clear()
        Console().print(table)
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    lines = [*undefined_notes(metrics), *notes]
    lines += [] if table is None else [f"reading     {HOW_TO_READ}"]
    lines.append(f"run folder  {shown}")
    if (folder / "tensorboard").is_dir():
        lines.append(f"dashboard   tensorboard --logdir {shown.parent}")
    for line in lines:
        say(line)
    text = io.StringIO()
    if table is not None:
        Console(file=text, width=_LOG_WIDTH).print(table)
    log.info("%s", "\n".join([*text.getvalue().splitlines(), *lines]), extra={IS_PRINTED: True})


def _table(metrics: Mapping[str, float], title: str) -> Table | None:
    splits, rows = metric_table(metrics)
    if not splits:
        return None
    # rich interprets no markup in a Text.
    table = Table(title=Text(visible(title), style="table.title"), title_justify="left")
    table.add_column("metric")
    for split in splits:
        table.add_column(split, justify="right")
    for label, *values in rows:
        table.add_row(Text(visible(label)), *values)
    return table
