"""Synthetic rows to check an exported model with if the run's data cannot be read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perceptron.data.columns.encoding import Code, encoded_names

_UNKNOWN = "an unknown category"
_DAYS_OF_A_YEAR = 365.2425


def made_features(
    mean: npt.NDArray[np.float64], scale: npt.NDArray[np.float64], *, n_rows: int
) -> npt.NDArray[np.float64]:
    """Normal numbers ``(n_rows, n_features)`` with the given means and deviations; the same in each call."""
    return np.random.default_rng(0).normal(mean, scale, (n_rows, len(mean)))


def made_frame(
    codes: Sequence[Code], mean: npt.NDArray[np.float64], scale: npt.NDArray[np.float64], *, n_rows: int
) -> pd.DataFrame:
    """Raw columns for codes: known and unknown categories, numbers and dates distributed like the training rows'.

    Args:
        codes: of ``perceptron.data.columns.encoding``.
        mean: ``(n_features,)`` of the training rows' features.
        scale: their standard deviations.
        n_rows: number of rows.
    """
    numbers = made_features(mean, scale, n_rows=n_rows)
    random = np.random.default_rng(1)
    columns: dict[str, Any] = {}
    first = 0
    for code in codes:
        own = numbers[:, first]
        first += len(encoded_names([code]))
        if code["kind"] == "category":
            columns[code["column"]] = random.choice(np.array([*code["values"], _UNKNOWN], dtype=object), n_rows)
        elif code["kind"] == "boolean":
            columns[code["column"]] = random.random(n_rows) < 1 / 2
        elif code["kind"] == "date":
            columns[code["column"]] = _days(own if "year" in code["parts"] else 2000 + random.random(n_rows))
        else:
            columns[code["column"]] = own
    return pd.DataFrame(columns)


def _days(years: npt.NDArray[np.float64]) -> "pd.Series[Any]":
    seconds = np.clip(years - 1970, -1900, 1900) * _DAYS_OF_A_YEAR * 86_400
    return pd.Series(seconds.astype(np.int64).astype("datetime64[s]"))
