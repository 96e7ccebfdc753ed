"""Texts that mean a missing value: the same in CSV, Parquet and Feather files and in DataFrames.

A model keeps the texts that it was trained with in the code of each column, see ``perceptron.data.columns.encoding``.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# pandas' own list. Codes that name no texts mean these: the list must not change.
MISSING_TEXTS = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Texts that mean a missing value, by column.

    Attributes:
        texts: of every column.
        known: exceptions by column: the categories and classes that a model knows.
    """

    texts: tuple[str, ...] = MISSING_TEXTS
    known: Mapping[str, Collection[str]] = field(default_factory=dict)

    def of(self, column: str) -> tuple[str, ...]:
        """Texts that mean a missing value in a column."""
        known = self.known.get(column, ())
        return tuple(text for text in self.texts if text not in known)


USUAL = Missing()


def missing_texts(more: Sequence[Any] = (), but: Sequence[Any] = ()) -> tuple[str, ...]:
    """The usual texts and ``more``, without ``but``: texts, or the numbers and null as which YAML reads some texts."""
    usual = [*MISSING_TEXTS, *(_as_typed(value) for value in more)]
    kept = {_as_typed(value) for value in but}
    # YAML reads NULL and null as the same value, and so NaN and nan.
    alike = {"null" if value is None else "nan" for value in but if value is None or value != value}
    return tuple(text for text in dict.fromkeys(usual) if text not in kept and text.lower() not in alike)


def missing_numbers(texts: Sequence[str]) -> list[float]:
    """The finite numbers among texts that mean a missing value, such as -999."""
    found = []
    for text in texts:
        try:
            number = float(text)
        except ValueError:
            continue
        if math.isfinite(number):
            found.append(number)
    return found


def as_setting(text: str) -> str:
    """A text as an element of a list on the command line."""
    if re.fullmatch(r"[\w.?*-]+", text, re.ASCII):
        return text
    # In Hydra's grammar a backslash is itself, except before a quotation mark.
    return '"' + re.sub(r'(\\*)("|\Z)', lambda found: found[1] * 2 + found[2].replace('"', '\\"'), text) + '"'


def _as_typed(value: Any) -> str:
    if value is None:
        return "null"
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()
