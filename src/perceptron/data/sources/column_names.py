"""Names of columns, as files and settings write them."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean

# Columns that a message lists if a name is misspelt.
_MOST_NAMES = 12


def check_names(names: Sequence[str], file: Path, setting: str) -> None:
    """Check that each column of a file has a name of its own.

    The first name may be empty: pandas and R write the column of row numbers so.

    Raises:
        UsageError: if another name is empty, or a name occurs twice.
    """
    unnamed = [place for place, name in enumerate(names) if not name and (place > 0 or len(names) == 1)]
    if unnamed:
        raise unnamed_column(unnamed[0], file, setting)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"{setting} must have each column once, got {twice[0]} twice in {file}; rename one")


def unnamed_column(place: int, file: Path, setting: str) -> UsageError:
    """The error for a column that has no name and does not hold row numbers."""
    return UsageError(
        f"{setting} must have a name for every column, got none for column {place} in {file}; give it one in the first "
        "line, and leave it out with data.exclude if it is none to learn from"
    )


def find_column(names: "pd.Index[str]", name: Any, setting: str) -> str:
    """The column that a setting names.

    Args:
        names: of the columns.
        name: as typed, or as YAML reads it: 2021, true, null and 1e3 are not texts there.
        setting: for messages.

    Raises:
        UsageError: if no column, or more than one, has this name.
    """
    if str(name) in names:
        return str(name)
    alike = [column for column in names if _as_yaml(column) == _as_yaml(name)]
    if len(alike) == 1:
        return alike[0]
    shown = name if isinstance(name, str) else {"None": "null", "True": "true", "False": "false"}.get(str(name), name)
    if len(names) == 1 and re.search(r"\s", names[0].strip()):
        raise UsageError(
            f"{setting} must name a column, got {shown}, where the file has one column, {names[0]!r}; separate columns "
            "by a comma, a semicolon, a tab or |"
        )
    quoted = [column for column in names if column.strip("'\"") == str(name)]
    if quoted:
        inside = quoted[0].replace('"', '\\"')
        raise UsageError(
            f"{setting} must name a column, got {shown}, but the quotes of {quoted[0]} belong to the name; type "
            f'"{setting}=\\"{inside}\\"" with all these quotes'
        )
    known = did_you_mean(str(shown), names, most=_MOST_NAMES)
    raise UsageError(f"{setting} must name a column, got {shown}, which is none; {known}")


def _as_yaml(value: Any) -> Any:
    """A value, or what YAML reads a text as: null, a truth or a number."""
    if not isinstance(value, str):
        return (type(value) is bool, value)
    words = {"null": (False, None), "true": (True, True), "false": (True, False)}
    if value.lower() in words:
        return words[value.lower()]
    try:
        return (False, float(value))
    except ValueError:
        return (False, value)
