"""One rule for the task of a target, whatever it comes from; and rows without one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch

from perceptron.data import TableDataModule, as_table, table_from_arrays, table_from_files
from perceptron.data.target import task_of
from perceptron.errors import UsageError

N = 120
X = np.random.default_rng(0).normal(size=(N, 2))


def sources(target: np.ndarray, folder: Path) -> dict[str, TableDataModule]:
    """Data modules of one target from every source."""
    frame = pd.DataFrame(X, columns=["a", "b"])
    mixed = frame.assign(c=np.where(X[:, 0] > 0, "p", "q"))
    whole = mixed.assign(y=target)
    whole.to_csv(folder / "t.csv", index=False)
    whole.to_parquet(folder / "t.parquet")
    frame.assign(y=target).to_parquet(folder / "numbers.parquet")
    modules = {
        "arrays": TableDataModule(dataset=lambda: (X, target)),
        "bunch": TableDataModule(dataset=lambda: Bunch(data=X, target=target)),
        "frame of numbers": TableDataModule(dataset=lambda: (frame, pd.Series(target))),
        "frame": TableDataModule(dataset=lambda: (mixed, pd.Series(target))),
        "csv": table_from_files(path=str(folder / "t.csv"), target="y"),
        "parquet": table_from_files(path=str(folder / "t.parquet"), target="y"),
        "arrays in parquet": table_from_arrays(features=str(folder / "numbers.parquet"), target="y"),
    }
    if target.dtype.kind == "i":
        modules["texts"] = TableDataModule(dataset=lambda: (mixed, pd.Series(target.astype(str))))
    return modules


@pytest.mark.parametrize(
    ("target", "task", "reason"),
    [
        (np.arange(N) % 30, "regression", "has 30 distinct whole numbers, more than 20"),
        (np.arange(N) % 30.0, "regression", "has 30 distinct whole numbers, more than 20"),
        (np.arange(N) % 5, "multiclass", "has 5 distinct whole numbers, at most 20"),
        (np.arange(N) % 5.0, "multiclass", "has 5 distinct whole numbers, at most 20"),
        (np.arange(N) % 5 + 0.5, "regression", "has numbers with a fraction, such as 0.5"),
        (np.arange(N) % 5 + 999461234.5, "regression", "has numbers with a fraction, such as 999461234.5"),
        (np.arange(N) % 2, "binary", "has two distinct values"),
        (np.arange(N) % 2 + 0.5, "binary", "has two distinct values"),
        (np.array(["p", "q", "r"])[np.arange(N) % 3], "multiclass", "has 3 distinct values that are no numbers"),
    ],
)
def test_every_source_has_the_same_task_and_says_why(
    target: np.ndarray, task: str, reason: str, tmp_path: Path
) -> None:
    names = set()
    for source, data in sources(target, tmp_path).items():
        assert data.schema.task == task, source
        assert data.table.task_reason == reason, source
        names.add(data.schema.class_names)
    assert len(names) == 1


def test_a_task_that_is_said_is_not_explained() -> None:
    data = TableDataModule(dataset=lambda: (X, np.arange(N) % 30), task="multiclass", test_fraction=0, val_fraction=0)
    assert data.schema.task == "multiclass"
    assert data.table.task_reason == ""


def test_numbers_with_names_are_classes() -> None:
    names = [f"person {i}" for i in range(30)]
    assert task_of(np.arange(N) % 30, names=names).task == "multiclass"
    assert task_of(np.arange(N) % 30, names=names[:29]).task == "regression"
    frame = pd.DataFrame(X, columns=["a", "b"])
    target = pd.Series(pd.Categorical(np.arange(N) % 30))
    assert TableDataModule(dataset=lambda: (frame, target), test_fraction=0, val_fraction=0).schema.task == "multiclass"


@pytest.mark.parametrize("kind", [float, object])
def test_rows_without_a_target_are_refused_or_left_out(
    kind: type, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = (np.arange(N) % 3).astype(kind)
    target[[4, 7]] = np.nan
    for source, data in sources(target, tmp_path).items():
        with pytest.raises(UsageError) as caught:
            data.setup()
        assert str(caught.value) == (
            "the target must be known in every row, got 2 rows without; set data.missing_target=drop to leave such "
            "rows out"
        ), source
        data.cells = type(data.cells)(missing_target="drop")
        caplog.clear()
        assert len(data.table) == N - 2
        assert data.schema.class_names == ("0", "1", "2")
        assert "data.missing_target=drop leaves out 2 of 120 rows, whose target is unknown" in caplog.text


def test_two_values_and_a_gap_are_not_three_classes_nor_two_with_one_named_nan() -> None:
    for target in (np.array([0.0, 1.0, np.nan] * 40), np.array([1.0, np.nan] * 60)):
        with pytest.raises(UsageError, match="must be known in every row"):
            as_table((X[: len(target)], target))
