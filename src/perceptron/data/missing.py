"""Which texts mean that a value is missing: the same in CSV, Parquet and Feather files and in DataFrames.

A model keeps the texts that it was trained with in the code of each column, see ``perceptron.data.encoding``.
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
        known: texts of single columns that are values all the same: the categories and classes that a model knows.
    """

    texts: tuple[str, ...] = MISSING_TEXTS
    known: Mapping[str, Collection[str]] = field(default_factory=dict)

    def of(self, column: str) -> tuple[str, ...]:
        """Texts that mean a missing value in a column."""
        known = self.known.get(column, ())
        return tuple(text for text in self.texts if text not in known)

    def left_out(self, frame: Any) -> Any:
        """The DataFrame with null in place of these texts."""
        changed = {}
        for place, name in enumerate(frame.columns):
            column = frame.iloc[:, place]
            without = without_missing(column, self.of(str(name)))
            if without is not column:
                changed[name] = without
        return frame.assign(**changed) if changed else frame


USUAL = Missing()


def missing_texts(more: Sequence[Any] = (), but: Sequence[Any] = ()) -> tuple[str, ...]:
    """The usual texts and ``more``, without ``but``: texts, or the numbers and null that YAML makes of some."""
    usual = [*MISSING_TEXTS, *(_typed(value) for value in more)]
    kept = {_typed(value) for value in but}
    # YAML reads NULL and null as the same, NaN and nan too.
    alike = {"null" if value is None else "nan" for value in but if value is None or value != value}
    return tuple(text for text in dict.fromkeys(usual) if text not in kept and text.lower() not in alike)


def _typed(value: Any) -> str:
    if value is None:
        return "null"
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()


def as_setting(text: str) -> str:
    """A text as an element of a list on the command line."""
    return text if re.fullmatch(r"[\w.?*-]+", text) else '"' + text.replace('"', '\\"') + '"'


def without_missing(column: Any, texts: Sequence[str]) -> Any:
    """A column with null in place of texts that mean a missing value, also of the numbers that such a text writes.

    Spaces around a text do not matter.

    Args:
        column: a pandas Series of any kind.
        texts: that mean a missing value.

    Returns:
        The column itself where it has none of them.
    """
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        stripped = pd.Series(kind.categories.map(lambda value: value.strip() if isinstance(value, str) else value))
        gone = kind.categories[_is_in(stripped, texts)]
        return column.cat.remove_categories(gone) if len(gone) else column
    is_missing = _is_in(column.str.strip() if isinstance(kind, pd.StringDtype) else column, texts)
    return column.mask(is_missing) if is_missing.any() else column


def _is_in(column: Any, texts: Sequence[str]) -> Any:
    import numpy as np
    import pandas as pd

    if isinstance(column.dtype, pd.StringDtype):
        return column.isin(list(texts)).to_numpy(dtype=bool)
    numbers = missing_numbers(texts)
    if column.dtype == object:
        stripped = column.map(lambda value: value.strip() if isinstance(value, str) else value, na_action="ignore")
        is_text = column.map(lambda value: isinstance(value, str)).to_numpy(dtype=bool)
        found = stripped.isin(list(texts)).to_numpy(dtype=bool) & is_text
        if not numbers:
            return found
        column = pd.to_numeric(column.where(~is_text), errors="coerce")
        return found | column.isin(numbers).to_numpy(dtype=bool)
    if numbers and pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column.isin(numbers).to_numpy(dtype=bool)
    return np.zeros(len(column), dtype=bool)


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
