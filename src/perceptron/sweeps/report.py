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

from perceptron.formulas import without_formula
from perceptron.runs.files import write_text
from perceptron.sweeps.jobs import Job, State
from perceptron.sweeps.results import GROUPS, Result, varying
from perceptron.sweeps.statistics import Estimate
from perceptron.sweeps.table import Row, Section
from perceptron.visible import visible

# On the terminal; files have all.
_MOST_ROWS = 20
_LONGEST_NUMBER = 7
_NARROWEST_SETTING = 16
# Left out where the terminal is too narrow, the least missed first: the interval shows the deviation too.
_DROPPED = (("std",), ("std", "vs best"), ("std", "vs best", "runs", "p"))
# What begins markup within a line; underscores within words and lone brackets do not.
_MARKDOWN = re.compile(r"([\\`*|]|\](?=[(\[:]))")
_NOTE = (
    "± half of the 95 % interval of the mean, corrected for the rows that splits share (Nadeau and Bengio 2003); "
    "p: chance of such a difference from the best, paired over common seeds and splits, Holm-adjusted"
)


def print_sections(console: Console, found: Sequence[Section]) -> None:
    """One table per data set, the best first; with all of a setting in one column where the terminal is too narrow."""
    unbound = console.options.update(max_width=10_000)
    for section in found:
        table = _terminal_table(section, _header(section), _cells(section), len(section.columns))
        if console.measure(table, options=unbound).maximum > console.width:
            narrow = (_terminal_table(section, *_narrow(section, dropped), 1) for dropped in _DROPPED)
            table = next(
                (smaller for smaller in narrow if console.measure(smaller, options=unbound).minimum <= console.width),
                _terminal_table(section, *_narrow(section, _DROPPED[-1]), 1),
            )
        console.print(table)
        if len(section.rows) > _MOST_ROWS:
            console.print(f"and {len(section.rows) - _MOST_ROWS} more, all in the written tables", highlight=False)
    if any(map(_is_repeated, found)):
        console.print(_NOTE, style="dim", highlight=False)


def _terminal_table(section: Section, header: Sequence[str], rows: Sequence[Sequence[str]], n_settings: int) -> Table:
    table = Table(
        title=Text(visible(f"{section.data}, ranked by {section.ranked_by}"), style="table.title"),
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


def _narrow(section: Section, dropped: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Header and cells with one column for the setting, and without some others."""
    header, n = _header(section), len(section.columns)
    kept = [place for place, name in enumerate(header) if place > n and name not in dropped]
    rows = []
    for cells in _cells(section):
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


def write_summary(folder: Path, found: Sequence[Section], failed: Sequence[Job], *, name: str = "summary") -> None:
    """Write ``<name>.csv`` with every metric of every setting, and ``<name>.md`` with what the terminal shows."""
    write_text(folder / f"{name}.csv", _csv(found))
    write_text(folder / f"{name}.md", markdown(found, failed))


def markdown(found: Sequence[Section], failed: Sequence[Job] = ()) -> str:
    """The tables in Markdown, failures below."""
    parts = []
    for section in found:
        header = _header(section)
        lines = [f"### {_escaped(section.data)}, ranked by {_escaped(section.ranked_by)}", "", _line(header)]
        lines.append(_line("---" if 1 <= i <= len(section.columns) else "---:" for i in range(len(header))))
        lines += [_line(cells) for cells in _cells(section)]
        parts.append("\n".join(lines))
    if any(map(_is_repeated, found)):
        parts.append(f"{_NOTE[0].upper()}{_NOTE[1:]}.")
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


def _header(section: Section) -> list[str]:
    repeated = ["std", "runs"] if _is_repeated(section) else []
    repeated += ["vs best", "p"] if repeated and len(section.rows) > 1 else []
    return ["#", *_short(section.columns), *section.shown, *repeated]


def _is_repeated(section: Section) -> bool:
    """Whether any setting was run more than once, so that there is something to say of chance."""
    return any(len(row.results) > 1 for row in section.rows)


def _short(columns: Sequence[str]) -> list[str]:
    """The last parts of the names, where no two are the same."""
    last = [column.rpartition(".")[2] for column in columns]
    return [name if last.count(name) == 1 else column for name, column in zip(last, columns, strict=True)]


def _cells(section: Section) -> list[list[str]]:
    rows = []
    for rank, row in enumerate(section.rows, start=1):
        ranked = row.estimate(section.ranked_by)
        cells = [str(rank), *(_rounded(row.setting[column]) for column in section.columns)]
        cells += [_interval(row.estimate(metric)) for metric in section.shown]
        if _is_repeated(section):
            cells += [_number(ranked.std), str(len(row.results))]
            cells += _paired(row) if len(section.rows) > 1 else []
        rows.append(cells)
    return rows


def _rounded(text: str) -> str:
    """A number with four digits, anything else as it is."""
    try:
        return text if len(text) <= _LONGEST_NUMBER else f"{float(text):.4g}"
    except ValueError:
        return text


def _paired(row: Row) -> list[str]:
    if row.comparison is None:
        return ["", ""]
    return [_number(row.comparison.difference, sign="+"), _p(row.p_holm)]


def _interval(value: Estimate) -> str:
    if math.isnan(value.low):
        return _number(value.mean)
    return f"{_number(value.mean)} ± {_number(value.high - value.mean)}"


def _number(value: float, *, sign: str = "") -> str:
    """Four decimals, fewer before a large number's point."""
    decimals = 4 if abs(value) < 10 else 2 if abs(value) < 1000 else 0
    return "" if math.isnan(value) else f"{value:{sign}.{decimals}f}"


def _p(value: float) -> str:
    if math.isnan(value):
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _csv(found: Sequence[Section]) -> str:
    """One line per setting with every metric, in full precision."""
    results: list[Result] = [result for section in found for row in section.rows for result in row.results]
    columns = varying(results)
    metrics = list(dict.fromkeys(name for result in results for name in result.metrics))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([
        "data", "rank", "ranked_by", *(column for column in columns if column != "data"), "runs", "seconds",
        *(f"{metric} {part}" for metric in metrics for part in ("mean", "std", "low", "high")),
        "difference", "p", "p_holm", "pairs",
    ])  # fmt: skip
    for section in found:
        for rank, row in enumerate(section.rows, start=1):
            first = row.results[0]
            line: list[object] = [section.data, rank, section.ranked_by]
            line += [first.choices.get(name) or first.setting.get(name, "") for name in columns if name != "data"]
            line += [len(row.results), round(sum(result.seconds for result in row.results) / len(row.results), 3)]
            for metric in metrics:
                value = row.estimate(metric)
                line += [_plain(number) for number in (value.mean, value.std, value.low, value.high)]
            paired = row.comparison
            line += ["", "", "", ""] if paired is None else [
                _plain(paired.difference), _plain(paired.p), _plain(row.p_holm), paired.n_pairs
            ]  # fmt: skip
            writer.writerow([without_formula(cell) if isinstance(cell, str) else cell for cell in line])
    return text.getvalue()


def _plain(value: float) -> str:
    return "" if math.isnan(value) else repr(value)
