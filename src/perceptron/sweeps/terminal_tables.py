"""Rankings and failed jobs on the terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perceptron.sweeps.failures import failures
from perceptron.sweeps.job_folders import Job
from perceptron.sweeps.ranking import Ranking
from perceptron.sweeps.ranking_notes import notes
from perceptron.sweeps.ranking_table import RankingTable, ranking_table
from perceptron.sweeps.setting_names import shown_setting
from perceptron.terminal.text import visible

# Files have all rows.
_MOST_ROWS = 20
_NARROWEST_SETTING = 16
# Statistics to leave out if the terminal is too narrow, the least missed first: the interval shows the deviation too.
_LEAST_MISSED = ("std", "vs best", "effect", "runs", "p")


def print_rankings(console: Console, rankings: Sequence[Ranking]) -> None:
    """Print a table for each data set, the best setting first, and the notes below them.

    If the terminal is too narrow, the whole setting stands in one column, and some statistics are left out.
    """
    for ranking in rankings:
        table = ranking_table(ranking)
        # rich wraps a table's own title at the width of the table, and interprets no markup in a Text.
        console.print(Text(visible(table.title), style="table.title"))
        console.print(_fitting(console, table))
        if len(ranking.rows) > _MOST_ROWS:
            console.print(f"and {len(ranking.rows) - _MOST_ROWS} more, all in the written tables", highlight=False)
    for line in notes(rankings):
        console.print(line, style="dim", highlight=False, markup=False)


def print_failures(console: Console, failed: Sequence[Job]) -> None:
    """Print failed jobs: those of the same error together, with the overrides that they share, and it in a line."""
    if failed:
        console.print(f"{len(failed)} failed", style="red")
    for failure in failures(failed):
        for line in (
            f"  {failure.jobs}  {' '.join(map(shown_setting, failure.overrides))}",
            f"     {failure.reason}",
        ):
            console.print(Text(visible(line)), soft_wrap=True, highlight=False)


def _fitting(console: Console, table: RankingTable) -> Table:
    """The table with as many columns as the terminal has room for: at least rank, setting and first metric."""
    if _width(console, whole := _rich(table)) <= console.width:
        return whole
    names = [column.name for column in table.columns if not column.is_setting]
    metrics = [name for name in names[2:] if name not in _LEAST_MISSED]
    dropped: list[str] = []
    for name in ("", *_LEAST_MISSED, *reversed(metrics)):
        dropped.append(name)
        narrow = table.narrowed(dropped=dropped)
        if _width(console, _rich(narrow, setting=_NARROWEST_SETTING)) <= console.width:
            break
    return _rich(narrow)


def _width(console: Console, table: Table) -> int:
    """Width at which no number is cut. rich's minimum is that of the longest word, although numbers are not wrapped."""
    return console.measure(table, options=console.options.update(max_width=10_000)).maximum


def _rich(table: RankingTable, *, setting: int | None = None) -> Table:
    """The table for rich.

    Args:
        table: the texts.
        setting: width of a column of settings; None for as much as there is.
    """
    found = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in table.columns:
        found.add_column(
            Text(visible(column.name)),
            justify="left" if column.is_setting else "right",
            overflow="fold",
            no_wrap=not column.is_setting,
            max_width=setting if column.is_setting else None,
        )
    for cells in table.rows[:_MOST_ROWS]:
        found.add_row(*(Text(visible(cell)) for cell in cells))
    return found
