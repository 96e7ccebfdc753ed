from pathlib import Path

import pytest

from perceptron.runs.data_identity import data_name, data_source, split_settings

OWN = {"dataset": {}, "path": "churn.csv", "target": "churned", "features": ["a", "b"], "fold": 1, "split_seed": 0}
ARRAYS = {"dataset": {}, "features": "x.npy", "target": "y.npy", "split_seed": 0}


def _whole(name: str) -> str:
    return str(Path(name).absolute())


def test_tables_of_ones_own_are_their_files_and_targets() -> None:
    table = data_source(OWN)
    assert table == {"path": _whole("churn.csv"), "target": "churned"}
    assert data_source(OWN | {"path": str(Path("churn.csv").resolve()), "features": None, "batch_size": 7}) == table
    for change in ({"path": "other.csv"}, {"target": "other"}, {"test_path": "test.csv"}):
        assert data_source(OWN | change) != table
    assert data_source(ARRAYS) == {"features": _whole("x.npy"), "target": _whole("y.npy")}
    assert data_source(OWN | {"dataset": {"_target_": "a"}}) != data_source(OWN | {"dataset": {"_target_": "b"}})


@pytest.mark.parametrize("change", [{"fold": 2}, {"folds": 5}, {"group": "who"}, {"split_seed": 3}])
def test_what_decides_the_split(change: dict[str, object]) -> None:
    assert split_settings(OWN | change) != split_settings(OWN)


@pytest.mark.parametrize("change", [{"block_size": 8}, {"blocks_in_memory": 2}, {"batch_size": 8}, {"sampling": "x"}])
def test_what_does_not(change: dict[str, object]) -> None:
    assert split_settings(OWN | change) == split_settings(OWN)


def test_names() -> None:
    assert data_name(OWN, "table") == "table churn.csv"
    assert data_name(ARRAYS, "arrays") == "arrays x.npy"
    assert data_name({"dataset": {}, "split_seed": 0}, "iris") == "iris"


def test_a_users_data_module_is_named_with_its_settings() -> None:
    own = {"_target_": "mine.Data", "batch_size": 16, "seed": 1}
    assert data_name(own, "mine.Data") == "mine.Data (batch_size=16)"
    assert data_name({"_target_": "mine.Data", "seed": 1}, "mine.Data") == "mine.Data"
