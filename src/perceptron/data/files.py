"""Tables in files: CSV, Parquet and Feather, one or many, read by pandas and pyarrow."""

import glob
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from perceptron.data.datamodule import TableDataModule
from perceptron.data.delimited import COMPRESSED, check_names, read_delimited
from perceptron.errors import UsageError, missing_extra, reason
from perceptron.spelling import did_you_mean

# Columns that are told where one is misspelt.
_MOST_NAMES = 12
_READ_AS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet", ".feather": "feather",
    ".arrow": "feather",
}  # fmt: skip


def table_from_files(
    *,
    path: str,
    target: str | Sequence[str],
    features: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    group: str | None = None,
    time: str | None = None,
    weight: str | None = None,
    test_path: str | None = None,
    most_categories: int = 64,
    dataset: Any = None,  # noqa: ARG001
    **settings: Any,
) -> TableDataModule:
    """Data module of a table in files.

    Args:
        path: of a CSV file (also compressed), a Parquet or a Feather file, or a pattern such as ``part-*.parquet``.
        target: column to be learnt; several for a regression with several targets.
        features: columns to learn from; None for all but those named by the other arguments.
        exclude: columns to leave out, instead of ``features``.
        group: column whose equal values, such as those of one patient, never are on two sides of a split.
        time: column by which the last rows are the test, the ones before them validation, the first for training.
        weight: column that says how much a row counts in training.
        test_path: file of the test rows, with the same columns; then none are drawn.
        most_categories: categories of a column that get a feature of their own, the most frequent first.
        dataset: not used; it is the files.
        **settings: those of ``TableDataModule``.
    """
    reader = partial(
        _read_files,
        path=path,
        target=[target] if isinstance(target, str) else list(target),
        features=features,
        exclude=exclude,
        group=group,
        time=time,
        weight=weight,
        test_path=test_path,
        most_categories=most_categories,
    )
    return TableDataModule(dataset=reader, **settings)


def _read_files(
    *,
    path: str,
    target: Sequence[str],
    features: Sequence[str] | None,
    exclude: Sequence[str] | None,
    group: str | None,
    time: str | None,
    weight: str | None,
    test_path: str | None,
    most_categories: int,
) -> Any:
    """``RawTable`` of files; see ``table_from_files``.

    Raises:
        UsageError: where a file or a column is not there or not what it must be.
    """
    pd = _pandas()
    from perceptron.data.raw import RawTable

    if features and exclude:
        raise UsageError("data.features and data.exclude must not both be set, got both; keep one of them")
    whole = read_frame(path, "data.path")
    is_test = None
    if test_path is not None:
        test = read_frame(test_path, "data.test_path")
        for name in whole.columns:
            _column(test, str(name), f"data.test_path={test_path}")
        is_test = np.repeat([False, True], [len(whole), len(test)])
        whole = pd.concat([whole, test[whole.columns]], ignore_index=True)
    if not target:
        raise UsageError("data.target must name a column, got none; set data.target")
    special = {"data.group": group, "data.time": time, "data.weight": weight}
    named = {setting: _column(whole, name, setting) for setting, name in special.items() if name is not None}
    targets = [_column(whole, name, "data.target") for name in target]
    for setting, column in named.items():
        if column in targets:
            raise UsageError(f"{setting} must be another column than the target, got {column}; set {setting}")
        if whole[column].isna().any():
            raise UsageError(
                f"{setting}={column} must be known in every row, got {int(whole[column].isna().sum())} rows without; "
                "leave such rows out"
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
    return RawTable(
        frame=whole[chosen],
        target=whole[targets],
        weights=_weights(whole[weight], weight) if weight else None,
        groups=whole[group].astype(str).to_numpy(dtype=object) if group else None,
        time=_times(whole[time], time) if time else None,
        is_test=is_test,
        most_categories=most_categories,
    )


def read_frame(path: str, setting: str) -> Any:
    """DataFrame of all files that a path or pattern names, in the order of their names.

    Raises:
        UsageError: where there is none, or one cannot be read or has other columns than the first.
    """
    pd = _pandas()
    typed = os.path.expanduser(path)  # noqa: PTH111
    files = [typed] if Path(typed).exists() else sorted(glob.glob(typed, recursive=True))  # noqa: PTH207
    if not files:
        raise UsageError(f"{setting} must be a file or a pattern of files, got {path}, which is none; set {setting}")
    frames = [_read(Path(file), setting) for file in files]
    for file, frame in zip(files, frames, strict=True):
        if set(frame.columns) != set(frames[0].columns):
            other = sorted(map(str, set(frame.columns) ^ set(frames[0].columns)))[0]
            raise UsageError(
                f"{setting}={path} must be files with the same columns, got {other} not in all; see {file}"
            )
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
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


def _read(file: Path, setting: str) -> Any:
    pd = _pandas()
    suffixes = [suffix.lower() for suffix in file.suffixes]
    packed = bool(suffixes) and suffixes[-1] in COMPRESSED
    kind = _READ_AS.get(suffixes[-1 - packed] if len(suffixes) > packed else "")
    if file.is_dir() or kind is None or (packed and kind != "csv"):
        raise UsageError(
            f"{setting} must end in .csv, .tsv, .parquet or .feather, the first two also with .gz, .bz2, .xz, .zst or "
            f".zip, got {file}; name such a file"
        )
    try:
        if kind == "csv":
            return read_delimited(file, setting)
        frame = pd.read_parquet(file) if kind == "parquet" else pd.read_feather(file)
    except UsageError:
        raise
    except Exception as error:
        # Each decompressor and reader has exceptions of its own: zlib, lzma, zipfile, pyarrow, pandas.
        raise UsageError(
            f"{setting} must be a readable {kind} file, got {reason(error, lines=1)} in {file}; mend it"
        ) from error
    names = [str(name) for name in frame.columns]
    check_names(names, file, setting)
    return frame.set_axis(names, axis=1)


def _column(frame: Any, name: str, setting: str) -> str:
    names = [str(column) for column in frame.columns]
    if name not in names:
        known = did_you_mean(str(name), names, most=_MOST_NAMES)
        raise UsageError(f"{setting} must name a column, got {name}, which is none; {known}")
    return str(name)


def _weights(column: Any, name: str) -> Any:
    pd = _pandas()
    weights = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float32)
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
        raise UsageError(
            f"data.weight={name} must be numbers of at least 0, some of them above, got others; mend the column"
        )
    return weights


def _times(column: Any, name: str) -> Any:
    pd = _pandas()
    if not pd.api.types.is_datetime64_any_dtype(column):
        numbers = pd.to_numeric(column, errors="coerce")
        if numbers.notna().all():
            return numbers.to_numpy(dtype=np.float64)
    dates = pd.to_datetime(column, errors="coerce", format="ISO8601", utc=True)
    if dates.isna().any():
        row = int(np.flatnonzero(dates.isna())[0])
        raise UsageError(
            f"data.time={name} must be numbers or dates such as 2026-01-31, got {column.iloc[row]!r} in row {row}; "
            "mend it"
        )
    return dates.astype("int64").to_numpy()
