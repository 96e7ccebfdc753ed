"""Columns of any kind in memory, before they become features."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 64


@dataclass(frozen=True, kw_only=True)
class ColumnTable:
    """Columns of files or of a DataFrame, in which missing values are null, whatever text stood for them.

    Attributes:
        frame: columns of the features, of any kind; its index names the rows in messages.
        target: ``(n_rows, n_targets)`` DataFrame; of more than one column only if the targets are continuous.
        weights: ``(n_rows,)`` how much a row counts in training; None if all count alike.
        groups: ``(n_rows,)`` rows of a group are never on two sides of a split; None if there are no groups.
        time: ``(n_rows,)`` order in time: training rows before validation rows before test rows; None for no order.
        is_test: ``(n_rows,)`` which rows are the test; None to draw them.
        most_categories: largest number of categories of a column that get a feature each.
    """

    frame: "pd.DataFrame"
    target: "pd.DataFrame"
    weights: npt.NDArray[np.float32] | None = None
    groups: npt.NDArray[Any] | None = None
    time: npt.NDArray[Any] | None = None
    is_test: npt.NDArray[np.bool_] | None = None
    most_categories: int = MOST_CATEGORIES

    def take(self, rows: npt.NDArray[np.bool_]) -> "ColumnTable":
        """The table of the rows for which ``rows``, ``(n_rows,)``, is true."""
        return replace(
            self,
            frame=self.frame[rows],
            target=self.target[rows],
            weights=None if self.weights is None else self.weights[rows],
            groups=None if self.groups is None else self.groups[rows],
            time=None if self.time is None else self.time[rows],
            is_test=None if self.is_test is None else self.is_test[rows],
        )

    @property
    def unknown_targets(self) -> npt.NDArray[np.bool_]:
        """``(n_rows,)`` which rows lack a target."""
        absent: npt.NDArray[np.bool_] = self.target.isna().any(axis=1).to_numpy()
        return absent
