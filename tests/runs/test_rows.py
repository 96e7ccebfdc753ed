from pathlib import Path

import pytest

from perceptron.runs.rows import name_of, split_of, table_of

OWN = {"dataset": {}, "path": "churn.csv", "target": "churned", "features": ["a", "b"], "exclude": None, "fold": 1}
ARRAYS = {"dataset": {}, "features": "x.npy", "target": "y.npy"}


def _whole(name: str) -> str:
    return str(Path(name).absolute())


def test_tables_of_ones_own_are_their_files_and_targets() -> None:
    table = table_of(OWN)
    assert table == {"path": _whole("churn.csv"), "target": "churned"}
    assert table_of(OWN | {"path": str(Path("churn.csv").resolve()), "features": None, "batch_size": 7}) == table
    for change in ({"path": "other.csv"}, {"target": "other"}, {"test_path": "test.csv"}):
        assert table_of(OWN | change) != table
    assert table_of(ARRAYS) == {"features": _whole("x.npy"), "target": _whole("y.npy")}
    assert table_of({"dataset": {"_target_": "a"}}) != table_of({"dataset": {"_target_": "b"}})


@pytest.mark.parametrize("change", [{"fold": 2}, {"folds": 5}, {"group": "who"}, {"split_seed": 3}])
def test_what_decides_the_split(change: dict[str, object]) -> None:
    assert split_of(OWN | change) != split_of(OWN)


@pytest.mark.parametrize("change", [{"block_size": 8}, {"blocks_in_memory": 2}, {"batch_size": 8}, {"sampling": "x"}])
def test_what_does_not(change: dict[str, object]) -> None:
    assert split_of(OWN | change) == split_of(OWN)


def test_names() -> None:
    assert name_of(OWN, "table") == "table churn.csv"
    assert name_of(ARRAYS, "arrays") == "arrays x.npy"
    assert name_of({"dataset": {}}, "iris") == "iris"
