"""The results of a run on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from perceptron.runs.metric_display import metric_table, other_metrics, undefined_notes
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
    clear()
    if splits:
        # rich interprets no markup in a Text.
        table = Table(title=Text(visible(title), style="table.title"), title_justify="left")
        table.add_column("metric")
        for split in splits:
            table.add_column(split, justify="right")
        for label, *values in rows:
            table.add_row(Text(visible(label)), *values)
        Console().print(table)
    if others := other_metrics(metrics):
        table = Table(title=None if splits else Text(visible(title), style="table.title"), title_justify="left")
        table.add_column("metric")
        table.add_column("value", justify="right")
        for name, value in others:
            table.add_row(Text(visible(name)), value)
        Console().print(table)
    for note in [*undefined_notes(metrics), *notes]:
        say(note)
    # With hydra.job.chdir=true the working folder is the run's own, from which the command was not typed.
    is_below = folder.is_relative_to(Path.cwd()) and folder != Path.cwd()
    shown = folder.relative_to(Path.cwd()) if is_below else folder
    say(f"run folder  {shown}")
    if (folder / "tensorboard").is_dir():
        say(f"dashboard   tensorboard --logdir {shown.parent}")
