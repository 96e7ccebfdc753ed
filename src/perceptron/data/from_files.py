"""Data modules of tables in files."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from perceptron.data.datamodule import TableDataModule
from perceptron.data.sources.array_files import read_arrays
from perceptron.data.sources.table_files import TableFiles


def table_from_files(
    *,
    path: str,
    target: Any,
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
        target: name of the column to be learnt, or what YAML makes of it, as the number 2021; a list of several
            for a regression with several targets.
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
    files = TableFiles(
        path=path,
        target=list(target) if isinstance(target, list | tuple) else [target],
        features=features,
        exclude=exclude,
        group=group,
        time=time,
        weight=weight,
        test_path=test_path,
        most_categories=most_categories,
    )
    return TableDataModule(dataset=files, **settings)


def table_from_arrays(
    *,
    features: str,
    target: str,
    block_size: int | None = None,
    dataset: Any = None,  # noqa: ARG001
    **settings: Any,
) -> TableDataModule:
    """Data module of two files of numpy, or of one in Parquet.

    Args:
        features: path of ``(n_rows, n_features)``; float32 in rows where it stays on disk. Or of a Parquet file.
        target: path of ``(n_rows,)`` or, for a regression, ``(n_rows, n_targets)``; it is read into memory. Or the
            name of a column of the Parquet file, whose other columns are the features.
        block_size: rows that are read at a time, where the features stay on disk; None to read all of them at once.
        dataset: not used; it is the files.
        **settings: those of ``TableDataModule``.
    """
    reader = partial(read_arrays, features=features, target=target, in_memory=block_size is None)
    return TableDataModule(dataset=reader, block_size=block_size, **settings)
