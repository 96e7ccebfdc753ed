"""Data modules of tables in files: columns of any kind, or arrays of numbers."""

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
    features: Sequence[Any] | None = None,
    exclude: Sequence[Any] | None = None,
    group: Any = None,
    time: Any = None,
    weight: Any = None,
    test_path: str | None = None,
    most_categories: int = 64,
    dataset: Any = None,  # noqa: ARG001
    **settings: Any,
) -> TableDataModule:
    """Data module of a table in files.

    Args:
        path: of a CSV file (also compressed), a Parquet or a Feather file, or a pattern such as ``part-*.parquet``.
        target: name of the target column, or the value as which YAML reads it, such as the number 2021; a list of
            names for a regression with several targets.
        features: columns to learn from; None for all but those named by the other arguments.
        exclude: columns to leave out, instead of ``features``.
        group: column of groups, such as patients: rows of one group are never on two sides of a split.
        time: column that orders the rows: the first are for training, then validation, and the last are the test.
        weight: column of weights of the rows in training.
        test_path: file of the test rows, with the same columns; then no test rows are drawn.
        most_categories: largest number of categories of a column that get a feature each, the most frequent first.
        dataset: ignored; the files are the data set.
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
        features: path of ``(n_rows, n_features)``, float32 in rows if it stays on disk; or of a Parquet file.
        target: path of ``(n_rows,)`` or, for a regression, ``(n_rows, n_targets)``, which is read into memory; or the
            name of a column of the Parquet file, whose other columns are the features.
        block_size: rows that are read at a time if the features stay on disk; None to read them into memory.
        dataset: ignored; the files are the data set.
        **settings: those of ``TableDataModule``.
    """
    reader = partial(read_arrays, features=features, target=target, in_memory=block_size is None)
    return TableDataModule(dataset=reader, block_size=block_size, **settings)
