"""The results of a run on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from perceptron.runs.metric_display import metric_table, undefined_notes
from perceptron.terminal.status import clear
from perceptron.terminal.text import say, visible


def print_results(metrics: Mapping[str, float], *, title: str, folder: Path, notes: Sequence[str]) -> None:
    """Print a table of metrics with a column per split, notes, and the run's folder.

    Args:
        metrics: values under names like ``test/acc``.
        title: printed above the table.
        folder: the run's folder.
        notes: lines below the table.
    """
    splits, rows = metric_table(metrics)
    if splits:
        # rich interprets no markup in a Text.
        table = Table(title=Text(visible(title), style="table.title"), title_justify="left")
        table.add_column("metric")
        for split in splits:
            table.add_column(split, justify="right")
        for label, *values in rows:
            table.add_row(Text(visible(label)), *values)
        clear()
        Console().print(table)
    for note in [*undefined_notes(metrics), *notes]:
        say(note)
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    say(f"run folder  {shown}")
    if (folder / "tensorboard").is_dir():
        say(f"dashboard   tensorboard --logdir {shown.parent}")
