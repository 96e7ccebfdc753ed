"""DataFrames of files: CSV, Parquet and Feather, one or many."""

import logging
from pathlib import Path

import pandas as pd

from perceptron.data.columns.missing_texts import USUAL, Missing
from perceptron.data.columns.missing_values import mark_missing
from perceptron.data.sources.column_names import check_names, unnamed_column
from perceptron.data.sources.compressed import COMPRESSED
from perceptron.data.sources.csv_columns import read_csv
from perceptron.errors import UsageError, reason
from perceptron.files.patterns import matching_files
from perceptron.files.reading import check_regular

log = logging.getLogger(__name__)
_FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet", ".feather": "feather",
    ".arrow": "feather",
}  # fmt: skip


def read_frame(path: str, setting: str, missing: Missing = USUAL) -> pd.DataFrame:
    """DataFrame of all files that a path or pattern names, in the order of their names.

    A first column without a name, in which pandas and R write row numbers or names, is left out with a warning.

    Args:
        path: of a file, or a pattern of files with the same columns.
        setting: that names the path, for messages.
        missing: texts that mean a missing value; they are null in the result.

    Raises:
        UsageError: if there is no such file, or one cannot be read or has other columns than the first.
    """
    files = matching_files(path, setting)
    frames = [_read(file, setting, missing) for file in files]
    for file, frame in zip(files, frames, strict=True):
        if set(frame.columns) != set(frames[0].columns):
            other = sorted(set(frame.columns) ^ set(frames[0].columns))[0]
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


def _read(file: Path, setting: str, missing: Missing) -> pd.DataFrame:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    is_compressed = bool(suffixes) and suffixes[-1] in COMPRESSED
    kind = _FORMATS.get(suffixes[-1 - is_compressed] if len(suffixes) > is_compressed else "")
    if file.is_dir() or kind is None or (is_compressed and kind != "csv"):
        raise UsageError(
            f"{setting} must end in .csv, .tsv, .parquet or .feather, the first two also with .gz, .bz2, .xz, .zst or "
            f".zip, got {file}; name such a file"
        )
    check_regular(file, setting)
    try:
        if kind == "csv":
            frame = read_csv(file, setting, missing)
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
    frame = mark_missing(frame.set_axis(names, axis=1), missing)
    # Row numbers may start anew within a file; texts that repeat are no names of rows.
    if "" in names and not (pd.api.types.is_integer_dtype(frame[""].dtype) or frame[""].is_unique):
        raise unnamed_column(0, file, setting)
    return frame


def _with_index(frame: pd.DataFrame, file: Path) -> pd.DataFrame:
    """The frame with the named levels of its index as columns, as in a CSV file.

    A count of the rows is left out, and so are levels without a name, with a warning.
    """
    if isinstance(frame.index, pd.RangeIndex):
        return frame
    named = [level for level, name in enumerate(frame.index.names) if name is not None]
    if len(named) < frame.index.nlevels:
        log.warning("the index of %s has no name and says the rows' numbers or names: it is left out", file)
    return frame.reset_index(level=named) if named else frame
