"""Columns of the DataFrames that scikit-learn's functions return."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from perceptron.data.columns.column_table import ColumnTable
from perceptron.data.columns.missing_texts import Missing
from perceptron.data.columns.missing_values import mark_missing
from perceptron.data.number_table import check_dense_size


def columns_of_bunch(raw: Any, missing: Missing) -> Any:
    """The ``ColumnTable`` of a ``Bunch`` or pair with a DataFrame.

    Args:
        raw: what a data set's function returned.
        missing: texts that mean a missing value.

    Returns:
        ``raw`` itself if it has no DataFrame or only complete columns of numbers.
    """
    is_pair = isinstance(raw, tuple) and len(raw) == 2
    frame, target = raw if is_pair else (getattr(raw, "data", None), getattr(raw, "target", None))
    if not isinstance(frame, pd.DataFrame) or target is None:
        return raw
    if any(isinstance(kind, pd.SparseDtype) for kind in frame.dtypes):
        check_dense_size(*frame.shape)
        frame = pd.DataFrame({name: np.asarray(frame[name]) for name in frame.columns})
    frame = mark_missing(_inferred(frame), missing)
    target = mark_missing(_inferred(pd.DataFrame(target)), missing)
    if _is_numeric(frame) and _is_numeric(target) and not frame.isna().any(axis=None):
        return Bunch(**(raw | {"data": frame, "target": target})) if isinstance(raw, Bunch) else (frame, target)
    return ColumnTable(frame=frame.reset_index(drop=True), target=target.reset_index(drop=True))


def _inferred(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of Python objects as numbers if they are; bytes, as in fetch_kddcup99, as texts."""
    if not any(kind == object for kind in frame.dtypes):  # noqa: E721
        return frame
    return frame.infer_objects().map(
        lambda value: str(value, "utf-8", "replace") if isinstance(value, bytes) else value
    )


def _is_numeric(frame: pd.DataFrame) -> bool:
    return all(pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes)
