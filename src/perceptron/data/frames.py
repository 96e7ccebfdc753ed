"""Tables in files: CSV, Parquet and Feather, one or many, read by pandas and pyarrow."""

import glob
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron.data.delimited import COMPRESSED, check_names, nameless, read_delimited
from perceptron.data.missing import USUAL, Missing, as_setting
from perceptron.errors import UsageError, missing_extra, reason
from perceptron.files.reading import check_regular
from perceptron.spelling import did_you_mean

log = logging.getLogger(__name__)
# Columns that are told where one is misspelt.
_MOST_NAMES = 12
_READ_AS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet", ".feather": "feather",
    ".arrow": "feather",
}  # fmt: skip


def read_files(
    *,
    path: str,
    target: Sequence[Any],
    features: Sequence[str] | None,
    exclude: Sequence[str] | None,
    group: str | None,
    time: str | None,
    weight: str | None,
    test_path: str | None,
    most_categories: int,
    missing: Missing = USUAL,
    date_format: Any = None,
) -> Any:
    """``RawTable`` of files.

    The arguments are those of ``table_from_files`` and ``TableDataModule``; ``missing`` are the texts that mean a
    missing value.

    Raises:
        UsageError: where a file or a column is not there or not what it must be.
    """
    _pandas()
    from perceptron.data.kinds import texts_of
    from perceptron.data.raw import RawTable

    if features and exclude:
        raise UsageError("data.features and data.exclude must not both be set, got both; keep one of them")
    whole, is_test = _rows(path, test_path, missing)
    if not target:
        raise UsageError("data.target must name a column, got none; set data.target")
    special = {"data.group": group, "data.time": time, "data.weight": weight}
    named = {setting: _column(whole, name, setting) for setting, name in special.items() if name is not None}
    targets = [_column(whole, name, "data.target") for name in target]
    for setting, column in named.items():
        if column in targets:
            raise UsageError(f"{setting} must be another column than the target, got {column}; set {setting}")
        if (absent := whole[column].isna().to_numpy()).any():
            why = texts_of_gaps(absent, path=path, test_path=test_path, target=[column])
            raise UsageError(
                f"{setting}={column} must be known in every row, got {int(absent.sum())} rows without{why}; leave such "
                "rows out"
            )
    taken = {*targets, *named.values()}
    if features:
        chosen = [_column(whole, name, "data.features") for name in features]
        for name in chosen:
            if name in targets:
                raise UsageError(f"data.features must not hold the target, got {name}; leave it out")
    else:
        left_out = {_column(whole, name, "data.exclude") for name in exclude or ()}
        chosen = [str(name) for name in whole.columns if name not in taken | left_out]
    if not chosen:
        raise UsageError(f"a table needs a column beside the target, got none in {path}; name other columns")
    if len(set(chosen)) < len(chosen):
        raise UsageError("data.features must name each column once, got one twice; leave it out")
    of_group, of_time, of_weight = (named.get(setting) for setting in special)
    return RawTable(
        frame=whole[chosen],
        target=whole[targets],
        weights=_weights(whole[of_weight], of_weight) if of_weight else None,
        # As categories are read: "A " and A are one group, 5.0 and 5 too.
        groups=texts_of(whole[of_group]).to_numpy(dtype=object) if of_group else None,
        time=_times(whole[of_time], of_time, date_format) if of_time else None,
        is_test=is_test,
        most_categories=most_categories,
    )


def texts_of_gaps(
    absent: npt.NDArray[np.bool_], *, path: str, test_path: str | None, target: Sequence[Any], **_: Any
) -> str:
    """What stands in the cells of missing values, and how to keep it, for a message; empty where nothing does.

    Args:
        absent: ``(n_rows,)`` rows in which one of the ``target`` columns is missing.
        path: as in ``read_files``, like the others.
        test_path: see there.
        target: columns.
    """
    rows, _is_test = _rows(path, test_path, Missing(texts=()))
    return quoted_gaps(rows[[_column(rows, name, "data.target") for name in target]], absent)


def quoted_gaps(columns: Any, absent: npt.NDArray[np.bool_]) -> str:
    """The same of columns as they were found."""
    for row in np.flatnonzero(absent):
        for value in columns.iloc[int(row)]:
            if isinstance(value, str) and value.strip():
                text = value.strip()
                return (
                    f": the text {text} in row {columns.index[row]} is read as missing, which "
                    f"'data.not_missing=[{as_setting(text)}]' changes"
                )
    return ""


def _rows(path: str, test_path: str | None, missing: Missing) -> tuple[Any, npt.NDArray[np.bool_] | None]:
    """Rows of both files, and which are of the second; None where there is none."""
    whole = read_frame(path, "data.path", missing)
    if test_path is None:
        return whole, None
    test = read_frame(test_path, "data.test_path", missing)
    for name in whole.columns:
        _column(test, str(name), f"data.test_path={test_path}")
    is_test = np.repeat([False, True], [len(whole), len(test)])
    return _pandas().concat([whole, test[whole.columns]], ignore_index=True), is_test


def read_frame(path: str, setting: str, missing: Missing = USUAL) -> Any:
    """DataFrame of all files that a path or pattern names, in the order of their names.

    A first column without a name, as pandas and R write one for the rows' numbers or names, is left out, which is said.

    Raises:
        UsageError: where there is none, or one cannot be read or has other columns than the first.
    """
    pd = _pandas()
    typed = os.path.expanduser(path)  # noqa: PTH111
    files = [typed] if Path(typed).exists() else sorted(glob.glob(typed, recursive=True))  # noqa: PTH207
    if not files:
        raise UsageError(f"{setting} must be a file or a pattern of files, got {path}, which is none; set {setting}")
    frames = [_read(Path(file), setting, missing) for file in files]
    for file, frame in zip(files, frames, strict=True):
        if set(frame.columns) != set(frames[0].columns):
            other = sorted(map(str, set(frame.columns) ^ set(frames[0].columns)))[0]
            raise UsageError(
                f"{setting}={path} must be files with the same columns, got {other} not in all; see {file}"
            )
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if "" in frame.columns:
        log.warning("the first column of %s has no name and says the rows' numbers or names: it is left out", path)
        frame = frame.drop(columns="")
    if len(frame) == 0:
        raise UsageError(f"{setting} must have rows, got none in {path}; name another file")
    return frame.reset_index(drop=True)


def _pandas() -> Any:
    try:
        import pandas as pd
        import pyarrow as pa

        _ = pa
    except ImportError as error:
        raise missing_extra("data=table needs pandas and pyarrow", "table") from error
    return pd


def _read(file: Path, setting: str, missing: Missing) -> Any:
    pd = _pandas()
    suffixes = [suffix.lower() for suffix in file.suffixes]
    packed = bool(suffixes) and suffixes[-1] in COMPRESSED
    kind = _READ_AS.get(suffixes[-1 - packed] if len(suffixes) > packed else "")
    if file.is_dir() or kind is None or (packed and kind != "csv"):
        raise UsageError(
            f"{setting} must end in .csv, .tsv, .parquet or .feather, the first two also with .gz, .bz2, .xz, .zst or "
            f".zip, got {file}; name such a file"
        )
    check_regular(file, setting)
    try:
        if kind == "csv":
            frame = read_delimited(file, setting, missing)
        else:
            frame = _with_index(pd.read_parquet(file) if kind == "parquet" else pd.read_feather(file), file)
    except UsageError:
        raise
    except Exception as error:
        # Each decompressor and reader has exceptions of its own: zlib, lzma, zipfile, pyarrow, pandas.
        raise UsageError(
            f"{setting} must be a readable {kind} file, got {reason(error, lines=1)} in {file}; mend it"
        ) from error
    names = [str(name) for name in frame.columns]
    check_names(names, file, setting)
    frame = missing.left_out(frame.set_axis(names, axis=1))
    # Row numbers may start anew within a file; texts that repeat are no names of rows.
    if "" in names and not (pd.api.types.is_integer_dtype(frame[""].dtype) or frame[""].is_unique):
        raise UsageError(nameless(0, file, setting))
    return frame


def _with_index(frame: Any, file: Path) -> Any:
    """The frame with what its index is named by as columns, as CSV files have it; pandas makes it no column itself.

    A count of the rows is none in the file, and levels without a name are left out, which is said.
    """
    if isinstance(frame.index, _pandas().RangeIndex):
        return frame
    named = [level for level, name in enumerate(frame.index.names) if name is not None]
    if len(named) < frame.index.nlevels:
        log.warning("the index of %s has no name and says the rows' numbers or names: it is left out", file)
    return frame.reset_index(level=named) if named else frame


def _column(frame: Any, name: Any, setting: str) -> str:
    """The column that a setting names, as typed or as YAML reads it: 2021, true, null and 1e3 are no texts there.

    Raises:
        UsageError: where there is none, or several.
    """
    # Readers make texts of all names.
    if str(name) in frame.columns:
        return str(name)
    names: list[str] = list(frame.columns)
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
    """A value, or what a text is read as: null, a truth or a number."""
    if not isinstance(value, str):
        return (type(value) is bool, value)
    words = {"null": (False, None), "true": (True, True), "false": (True, False)}
    if value.lower() in words:
        return words[value.lower()]
    try:
        return (False, float(value))
    except ValueError:
        return (False, value)


def _weights(column: Any, name: str) -> Any:
    pd = _pandas()
    weights = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float32)
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
        raise UsageError(
            f"data.weight={name} must be numbers of at least 0, some of them above, got others; mend the column"
        )
    return weights


def _times(column: Any, name: str, date_format: Any) -> Any:
    pd = _pandas()
    from perceptron.data.dates import DateForms, advice_on_dates, read_dates

    form = DateForms.typed(date_format).form_of(name, column)
    if form is not None:
        return read_dates(column, form).astype("int64").to_numpy()
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all():
        return numbers.to_numpy(dtype=np.float64)
    if advice := advice_on_dates(column, what=f"data.time={name}"):
        raise UsageError(advice)
    row = int(np.flatnonzero(numbers.isna())[0])
    raise UsageError(
        f"data.time={name} must be numbers or dates such as 2026-01-31, got {column.iloc[row]!r} in row {row}; mend it"
    )
