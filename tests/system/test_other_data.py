"""A trained model on other data: its own columns, codes and classes count, not what the file would be by itself."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.conftest import Perceptron, train_in

from perceptron.composition.stored.restore import restore, restore_data
from perceptron.data.columns.encoding import encode, from_texts
from perceptron.errors import UsageError

Trained = Callable[..., Path]
SETTINGS = ("data=table", "data.target=y", "trainer.max_epochs=2", "logger=none", "figures=none")


def _table(cities: str, classes: dict[str, str], n: int = 120, seed: int = 0) -> pd.DataFrame:
    """Each letter is a city; the class follows from it, by a dictionary."""
    random = np.random.default_rng(seed)
    city = random.choice(list(cities), n)
    return pd.DataFrame({"x": random.normal(size=n), "c": city, "y": [classes[name] for name in city]})


def _all(run: Path, path: Path, **settings: object) -> tuple[pd.DataFrame, "np.ndarray", "np.ndarray"]:
    """The other file, and the features and labels that a run makes of it."""
    more = [f"data.{name}={value}" for name, value in settings.items()]
    data = restore_data(restore(run, overrides=[f"data.path={path}", *more]))
    return pd.read_csv(path), data.table.features, data.table.target


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("other")
    _table("abc", {"a": "no", "b": "yes", "c": "perhaps"}).to_csv(folder / "own.csv", index=False)
    return train_in(folder / "run", *SETTINGS, f"data.path={folder / 'own.csv'}")


def test_other_categories_get_the_places_of_the_training(run: Path, perceptron: Perceptron, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    # As many categories and as many classes as the run's, one of each shared; columns in another order.
    frame = _table("bde", {"b": "yes", "d": "no", "e": "perhaps"}, seed=1)[["y", "c", "x"]]
    frame.to_csv(other, index=False)
    restored = restore(run)
    assert restored.schema.feature_names == ("x", "c=a", "c=b", "c=c")
    assert restored.schema.class_names == ("no", "perhaps", "yes")
    _, features, _ = _all(run, other)
    assert np.array_equal(features, encode(frame, from_texts(restored.schema.encoding)).astype(np.float32))
    assert np.array_equal(features[:, 2] == 1, frame.c == "b")
    assert not features[frame.c != "b", 1:].any()
    # What evaluate says is what predict says.
    answers = tmp_path / "answers.csv"
    assert perceptron("predict", f"run={run}", f"input={other}", f"output={answers}").status == 0
    right = (pd.read_csv(answers).label.to_numpy() == frame.y.to_numpy()).mean()
    answer = perceptron(
        "evaluate", f"run={run}", f"data.path={other}", "data.val_fraction=0", "data.test_fraction=0", "output=-"
    )
    assert answer.status == 0, answer.err
    assert json.loads(answer.out)["train/acc"] == pytest.approx(right, abs=1e-6)


def test_labels_are_compared_by_name(run: Path, perceptron: Perceptron, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    # By itself a binary table, whose labels would be 0 and 1.
    frame = _table("bc", {"b": "yes", "c": "perhaps"}, seed=1)
    frame.to_csv(other, index=False)
    _, _, labels = _all(run, other)
    assert np.array_equal(labels, np.where(frame.y == "yes", 2, 1))
    frame.assign(y="yes").to_csv(other, index=False)
    for settings in ({}, {"folds": 3, "fold": 1}):
        _, _, labels = _all(run, other, **settings)
        assert (labels == 2).all()
    assert perceptron("evaluate", f"run={run}", f"data.path={other}").status == 0
    frame.assign(y=["never", *frame.y[1:]]).to_csv(other, index=False)
    line = (
        "error: every class must be one that the model was trained on, which are no, perhaps, yes, got never; leave "
        "such rows out\n"
    )
    assert perceptron("evaluate", f"run={run}", f"data.path={other}") == (2, "", line)
    frame.drop(columns="x").to_csv(other, index=False)
    line = "error: every column that the model was trained on must be there, got none named x; add it\n"
    assert perceptron("evaluate", f"run={run}", f"data.path={other}") == (2, "", line)


def test_another_split_changes_no_code(run: Path) -> None:
    own = Path(restore(run).config.data.path)
    _, features, _ = _all(run, own)
    for settings in ({"split_seed": 5}, {"folds": 3, "fold": 2}, {"most_categories": 1}):
        _, again, _ = _all(run, own, **settings)
        assert np.array_equal(again, features)


def test_numbers_are_the_same_class_in_every_file(tmp_path: Path, trained: Trained) -> None:
    frame = _table("abc", {"a": "1", "b": "2", "c": "3"})
    frame.to_csv(tmp_path / "own.csv", index=False)
    run = train_in(tmp_path / "run", *SETTINGS, f"data.path={tmp_path / 'own.csv'}")
    frame.assign(y=frame.y.astype(float)).iloc[::-1].to_csv(tmp_path / "other.csv", index=False)
    found, _, labels = _all(run, tmp_path / "other.csv")
    assert np.array_equal(labels, found.y - 1)
    # A run on numbers alone finds its columns in a file by their names.
    wine = trained("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none")
    data = restore_data(restore(wine))
    names = list(data.schema.feature_names)
    rows = pd.DataFrame(data.table.features, columns=names).assign(y=data.table.target, more="text")
    rows[["more", "y", *names[::-1]]].to_parquet(tmp_path / "wine.parquet")
    other = restore(wine, overrides=["data=table", f"data.path={tmp_path / 'wine.parquet'}", "data.target=y"])
    with pytest.raises(UsageError, match="which are class_0, class_1, class_2, got 0"):
        restore_data(other)
    rows["y"] = np.array(data.schema.class_names)[rows.y]
    rows[["more", "y", *names[::-1]]].to_parquet(tmp_path / "wine.parquet")
    assert np.array_equal(restore_data(other).table.features, data.table.features)


def test_tables_of_numbers_alone_have_as_many_columns(trained: Trained, perceptron: Perceptron) -> None:
    moons = trained("model=logistic", "data=moons", "trainer.max_epochs=1", "logger=none")
    assert perceptron("evaluate", f"run={moons}", "data=circles").status == 0
    line = "error: the data must have the model's 2 features, got 20; choose other data\n"
    assert perceptron("evaluate", f"run={moons}", "data=classification") == (2, "", line)


def test_training_goes_on_with_the_codes_of_its_start(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    _table("bde", {"b": "yes", "d": "no", "e": "perhaps"}, seed=1).to_csv(other, index=False)
    settings = [name for name in SETTINGS if "max_epochs" not in name]
    second = train_in(tmp_path / "second", *settings, f"data.path={other}", f"ckpt_path={run}", "trainer.max_epochs=4")
    assert restore(second).schema == restore(run).schema
    assert (second / "data_report.json").is_file()
