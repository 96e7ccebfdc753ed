"""The results of a run on the terminal, and in the run's log."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perceptron.runs.metric_display import HOW_TO_READ, metric_table, other_metrics, undefined_notes
from perceptron.terminal.status import clear
from perceptron.terminal.text import IS_PRINTED, say, visible

log = logging.getLogger(__name__)


def print_results(
    metrics: Mapping[str, float], *, title: str, folder: Path, notes: Sequence[str], quiet: bool = False
) -> None:
    """Print a table of metrics with a column per split, notes, and the run's folder; write the same to the run's log.

    Args:
        metrics: values under names like ``test/acc``.
        title: printed above the table.
        folder: the run's folder.
        notes: lines below the table.
        quiet: whether to write to the log alone.
    """
    tables = _tables(metrics)
    # With hydra.job.chdir=true the working folder is the run's own, from which the command was not typed.
    is_below = folder.is_relative_to(Path.cwd()) and folder != Path.cwd()
    shown = folder.relative_to(Path.cwd()) if is_below else folder
    lines = [*undefined_notes(metrics), *notes]
    lines += [f"reading     {HOW_TO_READ}"] if tables else []
    lines.append(f"run folder  {shown}")
    if (folder / "tensorboard").is_dir():
        lines.append(f"dashboard   tensorboard --logdir {shown.parent}")
    if not quiet:
        clear()
        if tables:
            # rich wraps a table's own title at the width of the table, and interprets no markup in a Text.
            Console().print(Text(visible(title), style="table.title"))
        for header, rows in tables:
            Console().print(_framed(header, rows))
        for line in lines:
            say(line)
    # Not rich's, which take 6 ms: a tenth of what a small job of a population costs.
    text = [line for header, rows in tables for line in _plain([header, *rows])]
    log.info("%s", "\n".join([*([visible(title)] if tables else []), *text, *lines]), extra={IS_PRINTED: True})


def run_title(names: Mapping[str, str | None], *, epochs: int) -> str:
    """Model, data and epochs, such as ``logistic on iris, 100 epochs``; a user's classes without their modules.

    Args:
        names: of each group's option, or of a user's class.
        epochs: that were completed.
    """
    model, data = (str(names.get(group, group)).rpartition(".")[2] for group in ("model", "data"))
    return f"{model} on {data}, {epochs} epochs"


_Cells = Sequence[str]


def _tables(metrics: Mapping[str, float]) -> list[tuple[_Cells, Sequence[_Cells]]]:
    """Header and rows: of the metrics with a column per split, and of those under other names, where there are any."""
    splits, rows = metric_table(metrics)
    others = other_metrics(metrics)
    tables: list[tuple[_Cells, Sequence[_Cells]]] = []
    if splits:
        tables.append((["metric", *splits], rows))
    if others:
        tables.append((["metric", "value"], others))
    return tables


def _framed(header: _Cells, rows: Iterable[_Cells]) -> Table:
    table = Table()
    for i, name in enumerate(header):
        table.add_column(name, justify="right" if i else "left")
    for label, *values in rows:
        table.add_row(Text(visible(label)), *values)
    return table


def _plain(rows: Sequence[_Cells]) -> Iterator[str]:
    """Lines of a table with columns as wide as their cells."""
    shown = [[visible(cell) for cell in row] for row in rows]
    first, *others = (max(map(cell_len, column)) for column in zip(*shown, strict=True))
    for label, *values in shown:
        padded = (" " * (width - cell_len(value)) + value for width, value in zip(others, values, strict=True))
        yield "  ".join([label + " " * (first - cell_len(label)), *padded])
