"""Rankings as CSV and Markdown files."""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from perceptron.files.formulas import without_formula
from perceptron.files.writing import write_text
from perceptron.sweeps.failures import failures
from perceptron.sweeps.finished_runs import FinishedRun, differing_settings
from perceptron.sweeps.job_folders import Job
from perceptron.sweeps.ranking import RankedSetting, Ranking
from perceptron.sweeps.ranking_notes import notes
from perceptron.sweeps.ranking_table import ranking_table
from perceptron.terminal.text import visible

# Characters that begin markup within a line; underscores within words and lone brackets do not.
_MARKDOWN = re.compile(r"([\\`*|]|\](?=[(\[:]))")


def write_summary(
    folder: Path,
    rankings: Sequence[Ranking],
    failed: Sequence[Job],
    *,
    name: str = "summary",
    n_left_out: int = 0,
    missing: Sequence[tuple[str, str]] = (),
) -> None:
    """Write ``<name>.csv`` with every metric of every setting, and ``<name>.md`` with what the terminal shows.

    Args:
        folder: that they are written to.
        rankings: of the finished runs.
        failed: jobs.
        name: of the files.
        n_left_out: see ``left_out``.
        missing: of each sweep that is not complete, which jobs it lacks, and the command that runs them.
    """
    write_text(folder / f"{name}.csv", summary_csv(rankings))
    write_text(folder / f"{name}.md", markdown(rankings, failed, n_left_out=n_left_out, missing=missing))


def left_out(count: int) -> str:
    """A line on the combinations that the filter of a sweep has left out."""
    return f"{count} {'combination' if count == 1 else 'combinations'} left out by sweep.filter"


def markdown(
    rankings: Sequence[Ranking],
    failed: Sequence[Job] = (),
    *,
    n_left_out: int = 0,
    missing: Sequence[tuple[str, str]] = (),
) -> str:
    """The rankings as Markdown tables, with notes and failed jobs below them; see ``write_summary``."""
    parts = [f"**{_escaped(found)}**; go on with {_code(command)}" for found, command in missing]
    for ranking in rankings:
        table = ranking_table(ranking)
        lines = [f"### {_escaped(table.title)}", "", _line(table.header)]
        lines.append(_line("---" if column.is_setting else "---:" for column in table.columns))
        parts.append("\n".join([*lines, *map(_line, table.rows)]))
    if lines := notes(rankings):
        parts.append("\n".join(f"- {line}" for line in lines))
    if n_left_out:
        parts.append(f"{left_out(n_left_out)}.")
    if failed:
        lines = [
            f"- {_code(failure.jobs)} {' '.join(map(_code, failure.overrides))}: {_escaped(failure.reason)}"
            for failure in failures(failed)
        ]
        parts.append("\n".join(["### failed", "", *lines]))
    return "\n\n".join(parts) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(_escaped, cells)) + " |"


def _escaped(text: str) -> str:
    """A text in Markdown, without markup, HTML or the end of a cell."""
    return _MARKDOWN.sub(r"\\\1", escape(visible(text), quote=False))


def _code(text: str) -> str:
    """A text as code in Markdown, fenced by more backticks than it has in a row."""
    shown = visible(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    blank = " " if "`" in shown else ""
    return f"{fence}{blank}{shown}{blank}{fence}"


def summary_csv(rankings: Sequence[Ranking]) -> str:
    """CSV with a line for each setting with every metric in full precision."""
    results: list[FinishedRun] = [result for ranking in rankings for row in ranking.rows for result in row.results]
    shown = (name for ranking in rankings for name in ranking.columns)
    columns = [name for name in dict.fromkeys([*differing_settings(results), *shown]) if name != "data"]
    metrics = list(dict.fromkeys(name for result in results for name in result.metrics))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([
        "data", "rank", "ranked_by", *columns, "runs", "seconds",
        *(f"{metric} {part}" for metric in metrics for part in ("mean", "std", "low", "high")),
        "difference", "effect", "p", "p_holm", "pairs", "no interval", "no p",
    ])  # fmt: skip
    for ranking in rankings:
        for rank, row in enumerate(ranking.rows, start=1):
            line: list[object] = [ranking.data, rank, ranking.ranked_by]
            line += [row.results[0].value_of(name) for name in columns]
            line += [len(row.results), round(sum(result.seconds for result in row.results) / len(row.results), 3)]
            for metric in metrics:
                value = row.estimate(metric)
                line += [_plain(number) for number in (value.mean, value.std, value.low, value.high)]
            line += [*_comparison(row), row.estimate(ranking.ranked_by).gap or ""]
            line.append(row.comparison.gap or "" if row.comparison else "")
            writer.writerow([without_formula(cell) if isinstance(cell, str) else cell for cell in line])
    return text.getvalue()


def _comparison(row: RankedSetting) -> list[object]:
    """The columns from ``difference`` to ``pairs``; empty for the best setting."""
    paired = row.comparison
    if paired is None:
        return [""] * 5
    return [*map(_plain, (paired.difference, paired.effect, paired.p, row.p_holm)), paired.n_pairs]


def _plain(value: float) -> str:
    return "" if math.isnan(value) else repr(value)
