"""The tables of docs/benchmarks.md and README.md, from the results that lie in benchmarks/results/."""

import json
from pathlib import Path
from typing import Any

import growth
from measuring import ROOT, quartiles, ratios, table

START, END = "<!-- benchmarks: written by `make bench` -->", "<!-- end of benchmarks -->"
TITLES = {
    "step": "A step",
    "process": "A whole run",
    "command_line": "The command line",
    "sweeps": "Sweeps",
    "growth": "Growth",
    "reuse": "Finished runs",
}
FIGURES = {"growth": "growth.png", "sweeps": "population.svg"}
# Rows of the README, the least favourable last: the beginning of a comparison's title, and its sides.
SHORT: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "sweeps": (("sweep", ("basic launcher",)), ("mixed table of 5,000 rows, 16 seeds", ("basic launcher",))),
    "command_line": (("command line", ("a setting misspelt",)),),
    "process": (("whole run, figures=none", ("python train.py",)),),
    "step": (("step, batch 32", ("perceptron",)),),
}


def write_tables(folder: Path) -> None:
    """Put the tables of a folder of results between the markers."""
    parts = {
        part: json.loads(file.read_text(encoding="utf-8"))
        for part in TITLES
        if (file := folder / f"{part}.json").is_file()
    }
    replace_between(ROOT / "docs" / "benchmarks.md", _full(parts, folder))
    replace_between(ROOT / "README.md", short_table(parts))


def replace_between(file: Path, text: str) -> None:
    """Put a text between the markers of a file.

    Raises:
        ValueError: where the file has not both, in this order.
    """
    before, start, rest = file.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"{file} must have the lines {START} and {END}")
    file.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def short_table(parts: dict[str, dict[str, Any]]) -> str:
    """One row a side, with the ratio alone."""
    lines = ["| | | times as long as | median (quartiles) |", "|---|---|---|---|"]
    for part, wanted in SHORT.items():
        for start, sides in wanted:
            for entry in parts.get(part, {}).get("comparisons", ()):
                if entry["title"].startswith(start):
                    lines += _short_rows(entry, sides)
    if len(lines) == 2:
        return "Not measured yet."
    machine = next(iter(parts.values()))["machine"]
    cores = f"{machine['cores']} cores of {machine['processor']}"
    return "\n".join([*lines, "", f"Measured on {cores}, torch {machine['versions']['torch']}."])


def _short_rows(entry: dict[str, Any], sides: tuple[str, ...]) -> list[str]:
    rows, title = [], entry["title"]
    for side in sides:
        if compared := ratios(entry, side):
            low, middle, high = quartiles(compared)
            rows.append(f"| {title} | {side} | {entry['base']} | {middle:.2f} ({low:.2f} to {high:.2f}) |")
            title = ""
    return rows


def _full(parts: dict[str, dict[str, Any]], folder: Path) -> str:
    if not parts:
        return "Not measured yet."
    sections = []
    for part, content in parts.items():
        unfinished = "" if content["finished"] else " Broken off before its end."
        lines = [f"## {TITLES[part]}", f"{_machine(content)}{unfinished}"]
        if content["comparisons"]:
            lines.append(table([content]))
        if content.get("predict_rows_per_second"):
            lines.append(
                f"`predict` answers {content['predict_rows_per_second']:,.0f} rows a second, its start taken off."
            )
        if points := content.get("points"):
            lines.append(growth.table(points))
            if costs := growth.per_row_table(content.get("per_row", {})):
                lines.append(costs)
        if part in FIGURES and (folder / FIGURES[part]).is_file():
            lines.append(f"![{TITLES[part]}](../benchmarks/results/{FIGURES[part]})")
        sections.append("\n\n".join(lines))
    return "\n\n".join(sections)


def _machine(content: dict[str, Any]) -> str:
    machine = content["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"{content['started'][:10]}, commit {machine['commit']}: {machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_gib']} GiB, load {machine['load'][0]} at the start, Python {machine['python']}, {versions}."
    )
