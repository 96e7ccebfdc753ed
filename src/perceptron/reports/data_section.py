"""The section of a page on a user-supplied table, from ``data_report.json``."""

from collections.abc import Mapping
from typing import Any

from perceptron.reports.html import heading, paragraph, table
from perceptron.runs.metric_display import format_value

_COLUMN = ("name", "kind", "type", "missing", "distinct")
_MOST_COLUMNS = 500
_SPLITS = {"train": "for training", "val": "for validation", "test": "for the test"}


def data_section(report: Mapping[str, Any]) -> str:
    """HTML of the warnings, the number of rows, the target and the columns; missing parts of the file are left out."""
    warnings = "".join(paragraph(str(warning), warns=True) for warning in _list(report.get("warnings")))
    splits = _mapping(report.get("splits"))
    sizes = ", ".join(f"{count} {_SPLITS.get(name, name)}" for name, count in splits.items())
    rows = paragraph(f"{report.get('rows')} rows: {sizes}.") if splits else ""
    return warnings + rows + _target(_mapping(report.get("target"))) + _columns(_list(report.get("columns")))


def _target(target: Mapping[str, Any]) -> str:
    classes, columns = _mapping(target.get("classes")), _mapping(target.get("columns"))
    html = ""
    if classes:
        html += table(["class", "rows"], [(str(name), str(count)) for name, count in classes.items()])
    if columns:
        names = ("mean", "min", "max")
        values = {name: _mapping(column) for name, column in columns.items()}
        html += table(
            ["target", *names], [(str(key), *(format_value(v.get(n)) for n in names)) for key, v in values.items()]
        )
    return heading(f"Target: {target.get('task')}") + html if html else ""


def _columns(columns: list[Any]) -> str:
    rows = [[str(_mapping(column).get(name, "")) for name in _COLUMN] for column in columns]
    if not rows:
        return ""
    more = len(rows) - _MOST_COLUMNS
    html = heading("Columns") + table(["column", *_COLUMN[1:]], rows[:_MOST_COLUMNS])
    return html + (paragraph(f"And {more} more, all in data_report.json.") if more > 0 else "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
