"""The data module of a table in files."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from perceptron.data.datamodule import TableDataModule
from perceptron.data.frames import read_files


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
    reader = partial(
        read_files,
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
    return TableDataModule(dataset=reader, **settings)
