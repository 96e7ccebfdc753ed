"""The table of many runs on the terminal, as CSV and as Markdown."""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perceptron.files.formulas import without_formula
from perceptron.runs.files import write_text
from perceptron.sweeps.finished_runs import GROUPS, FinishedRun, varying
from perceptron.sweeps.job_folders import Job, State
from perceptron.sweeps.ranking import Ranking
from perceptron.sweeps.ranking_notes import notes
from perceptron.sweeps.ranking_table import ranking_cells, ranking_header
from perceptron.terminal.text import visible

# On the terminal; files have all.
_MOST_ROWS = 20
_NARROWEST_SETTING = 16
# Left out where the terminal is too narrow, the least missed first: the interval shows the deviation too.
_DROPPED = (("std",), ("std", "vs best"), ("std", "vs best", "effect"), ("std", "vs best", "effect", "runs", "p"))
# What begins markup within a line; underscores within words and lone brackets do not.
_MARKDOWN = re.compile(r"([\\`*|]|\](?=[(\[:]))")


def print_rankings(console: Console, found: Sequence[Ranking]) -> None:
    """One table per data set, the best first; with all of a setting in one column where the terminal is too narrow."""
    unbound = console.options.update(max_width=10_000)
    for ranking in found:
        table = _terminal_table(ranking, ranking_header(ranking), ranking_cells(ranking), len(ranking.columns))
        if console.measure(table, options=unbound).maximum > console.width:
            narrow = (_terminal_table(ranking, *_narrow(ranking, dropped), 1) for dropped in _DROPPED)
            table = next(
                (smaller for smaller in narrow if console.measure(smaller, options=unbound).minimum <= console.width),
                _terminal_table(ranking, *_narrow(ranking, _DROPPED[-1]), 1),
            )
        console.print(table)
        if len(ranking.rows) > _MOST_ROWS:
            console.print(f"and {len(ranking.rows) - _MOST_ROWS} more, all in the written tables", highlight=False)
    for line in notes(found):
        console.print(line, style="dim", highlight=False, markup=False)


def _terminal_table(ranking: Ranking, header: Sequence[str], rows: Sequence[Sequence[str]], n_settings: int) -> Table:
    table = Table(
        title=Text(visible(f"{ranking.data}, ranked by {ranking.ranked_by}"), style="table.title"),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for place, name in enumerate(header):
        is_setting = 1 <= place <= n_settings
        table.add_column(
            Text(visible(name)),
            justify="left" if is_setting else "right",
            overflow="fold",
            no_wrap=not is_setting,
            min_width=_NARROWEST_SETTING if is_setting and n_settings == 1 else None,
        )
    for cells in rows[:_MOST_ROWS]:
        # As Text, in which nothing is read as markup.
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


def _narrow(ranking: Ranking, dropped: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Header and cells with one column for the setting, and without some others."""
    header, n = ranking_header(ranking), len(ranking.columns)
    kept = [place for place, name in enumerate(header) if place > n and name not in dropped]
    rows = []
    for cells in ranking_cells(ranking):
        setting = ", ".join(
            value if name in GROUPS else f"{name}={value}"
            for name, value in zip(header[1 : n + 1], cells[1 : n + 1], strict=True)
            if value
        )
        rows.append([cells[0], setting, *(cells[place] for place in kept)])
    return [header[0], "setting", *(header[place] for place in kept)], rows


def print_failures(console: Console, jobs: Sequence[Job]) -> None:
    """The jobs that failed, with what they were and their errors in a line each."""
    failed = [job for job in jobs if job.state == State.FAILED]
    if failed:
        console.print(f"{len(failed)} failed", style="red")
    for job in failed:
        for line in (f"  {job.folder.name}  {' '.join(_told(job))}", f"     {job.reason}"):
            console.print(Text(visible(line)), soft_wrap=True, highlight=False)


def write_summary(folder: Path, found: Sequence[Ranking], failed: Sequence[Job], *, name: str = "summary") -> None:
    """Write ``<name>.csv`` with every metric of every setting, and ``<name>.md`` with what the terminal shows."""
    write_text(folder / f"{name}.csv", _csv(found))
    write_text(folder / f"{name}.md", markdown(found, failed))


def markdown(found: Sequence[Ranking], failed: Sequence[Job] = ()) -> str:
    """The tables in Markdown, failures below."""
    parts = []
    for ranking in found:
        header = ranking_header(ranking)
        lines = [f"### {_escaped(ranking.data)}, ranked by {_escaped(ranking.ranked_by)}", "", _line(header)]
        lines.append(_line("---" if 1 <= i <= len(ranking.columns) else "---:" for i in range(len(header))))
        lines += [_line(cells) for cells in ranking_cells(ranking)]
        parts.append("\n".join(lines))
    if lines := notes(found):
        parts.append("\n".join(f"- {line}" for line in lines))
    if failed:
        lines = [
            f"- {_code(job.folder.name)} {' '.join(map(_code, _told(job)))}: {_escaped(job.reason)}" for job in failed
        ]
        parts.append("\n".join(["### failed", "", *lines]))
    return "\n\n".join(parts) + "\n"


def _told(job: Job) -> list[str]:
    """Its overrides, without what the search adds for itself."""
    return [text for text in job.overrides if not text.startswith("+callbacks.pruning.")]


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(_escaped, cells)) + " |"


def _escaped(text: str) -> str:
    """A text in Markdown: no markup, no HTML, no end of a cell."""
    return _MARKDOWN.sub(r"\\\1", escape(visible(text), quote=False))


def _code(text: str) -> str:
    """A text as code in Markdown, between more backticks than stand together in it."""
    shown = visible(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    blank = " " if "`" in shown else ""
    return f"{fence}{blank}{shown}{blank}{fence}"


def _csv(found: Sequence[Ranking]) -> str:
    """One line per setting with every metric, in full precision."""
    results: list[FinishedRun] = [result for ranking in found for row in ranking.rows for result in row.results]
    columns = varying(results)
    metrics = list(dict.fromkeys(name for result in results for name in result.metrics))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([
        "data", "rank", "ranked_by", *(column for column in columns if column != "data"), "runs", "seconds",
        *(f"{metric} {part}" for metric in metrics for part in ("mean", "std", "low", "high")),
        "difference", "effect", "p", "p_holm", "pairs", "no interval", "no p",
    ])  # fmt: skip
    for ranking in found:
        for rank, row in enumerate(ranking.rows, start=1):
            first = row.results[0]
            line: list[object] = [ranking.data, rank, ranking.ranked_by]
            line += [first.choices.get(name) or first.setting.get(name, "") for name in columns if name != "data"]
            line += [len(row.results), round(sum(result.seconds for result in row.results) / len(row.results), 3)]
            for metric in metrics:
                value = row.estimate(metric)
                line += [_plain(number) for number in (value.mean, value.std, value.low, value.high)]
            paired = row.comparison
            line += [""] * 5 if paired is None else [
                _plain(paired.difference), _plain(paired.effect), _plain(paired.p), _plain(row.p_holm), paired.n_pairs
            ]  # fmt: skip
            line += [row.estimate(ranking.ranked_by).gap or "", "" if paired is None else paired.gap or ""]
            writer.writerow([without_formula(cell) if isinstance(cell, str) else cell for cell in line])
    return text.getvalue()


def _plain(value: float) -> str:
    return "" if math.isnan(value) else repr(value)
