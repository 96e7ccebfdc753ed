"""What the columns of a user-supplied table are for: target, features, group, time and weight."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from perceptron.data.columns.column_table import ColumnTable
from perceptron.data.columns.dates import DateFormats, advice_on_dates, read_dates
from perceptron.data.columns.kinds import texts_of
from perceptron.data.columns.missing_texts import Missing
from perceptron.data.columns.missing_values import quote_missing
from perceptron.data.sources.column_names import find_column
from perceptron.data.sources.frames import read_frame
from perceptron.data.sources.table_files import TableFiles
from perceptron.errors import UsageError


def read_columns(files: TableFiles, *, missing: Missing, date_format: Any) -> ColumnTable:
    """Read files and tell their columns apart.

    Args:
        files: and the names of the columns.
        missing: texts that mean a missing value.
        date_format: how the dates of the time column are written, see ``DateFormats.typed``.

    Raises:
        UsageError: if a file or a column does not exist or is not as required.
    """
    if files.features and files.exclude:
        raise UsageError("data.features and data.exclude must not both be set, got both; keep one of them")
    rows, is_test = read_rows(files, missing)
    if not files.target:
        raise UsageError("data.target must name a column, got none; set data.target")
    named = {
        setting: find_column(rows.columns, name, setting)
        for setting, name in (("data.group", files.group), ("data.time", files.time), ("data.weight", files.weight))
        if name is not None
    }
    targets = targets_of(files, rows)
    for setting, column in named.items():
        if column in targets:
            raise UsageError(f"{setting} must be another column than the target, got {column}; set {setting}")
        if (absent := rows[column].isna().to_numpy()).any():
            as_written, _ = read_rows(files, Missing(texts=()))
            why = quote_missing(as_written[[column]], absent)
            raise UsageError(
                f"{setting}={column} must be known in every row, got {int(absent.sum())} rows without{why}; leave such "
                "rows out"
            )
    features = _features(files, rows, targets, set(named.values()))
    group, time, weight = (named.get(f"data.{role}") for role in ("group", "time", "weight"))
    return ColumnTable(
        frame=rows[features],
        target=rows[targets],
        weights=_weights(rows[weight], weight) if weight else None,
        # As for categories, "A " and A are one group, and so are 5.0 and 5.
        groups=texts_of(rows[group]).to_numpy(dtype=object) if group else None,
        time=_times(rows[time], time, date_format) if time else None,
        is_test=is_test,
        most_categories=files.most_categories,
    )


def read_rows(files: TableFiles, missing: Missing) -> tuple[pd.DataFrame, npt.NDArray[np.bool_] | None]:
    """Rows of ``path`` and ``test_path``, and ``(n_rows,)`` which are of the second; None if there is no second."""
    rows = read_frame(files.path, "data.path", missing)
    if files.test_path is None:
        return rows, None
    test = read_frame(files.test_path, "data.test_path", missing)
    for name in rows.columns:
        find_column(test.columns, name, f"data.test_path={files.test_path}")
    is_test = np.repeat([False, True], [len(rows), len(test)])
    return pd.concat([rows, test[rows.columns]], ignore_index=True), is_test


def unread_targets(files: TableFiles) -> pd.DataFrame:
    """The target columns of files, in which no text means a missing value."""
    rows, _ = read_rows(files, Missing(texts=()))
    return rows[targets_of(files, rows)]


def targets_of(files: TableFiles, rows: pd.DataFrame) -> list[str]:
    """Names of the target columns."""
    return [find_column(rows.columns, name, "data.target") for name in files.target]


def _features(files: TableFiles, rows: pd.DataFrame, targets: list[str], others: set[str]) -> list[str]:
    """Names of the features: those that are set, or all columns without another purpose."""
    if files.features:
        chosen = [find_column(rows.columns, name, "data.features") for name in files.features]
        for name in chosen:
            if name in targets:
                raise UsageError(f"data.features must not hold the target, got {name}; leave it out")
    else:
        left_out = {find_column(rows.columns, name, "data.exclude") for name in files.exclude or ()}
        chosen = [name for name in rows.columns if name not in others | left_out | set(targets)]
    if not chosen:
        raise UsageError(f"a table needs a column beside the target, got none in {files.path}; name other columns")
    if len(set(chosen)) < len(chosen):
        raise UsageError("data.features must name each column once, got one twice; leave it out")
    return chosen


def _weights(column: "pd.Series[Any]", name: str) -> npt.NDArray[np.float32]:
    weights: npt.NDArray[np.float32] = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float32)
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
        raise UsageError(
            f"data.weight={name} must be numbers of at least 0, some of them above, got others; mend the column"
        )
    return weights


def _times(column: "pd.Series[Any]", name: str, date_format: Any) -> npt.NDArray[Any]:
    """Dates as whole numbers, other times as float64."""
    own_format = DateFormats.typed(date_format).format_of(name, column)
    if own_format is not None:
        return read_dates(column, own_format).astype("int64").to_numpy()
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all():
        return numbers.to_numpy(dtype=np.float64)
    if advice := advice_on_dates(column, what=f"data.time={name}"):
        raise UsageError(advice)
    row = int(np.flatnonzero(numbers.isna())[0])
    raise UsageError(
        f"data.time={name} must be numbers or dates such as 2026-01-31, got {column.iloc[row]!r} in row {row}; mend it"
    )
