"""Everything that ``sklearn.datasets`` offers is a table of the kind said here, or refused in one line."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from scipy import sparse
from sklearn.datasets import dump_svmlight_file
from tests.data import downloads

from perceptron.data import TableDataModule, as_table
from perceptron.errors import UsageError

# Task, columns, and arguments where it needs some.
TABLES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "load_breast_cancer": ("binary", 30, {}),
    "load_diabetes": ("regression", 10, {}),
    "load_digits": ("multiclass", 64, {}),
    "load_iris": ("multiclass", 4, {}),
    "load_linnerud": ("regression", 3, {}),
    "load_wine": ("multiclass", 13, {}),
    "make_blobs": ("multiclass", 2, {}),
    "make_circles": ("binary", 2, {}),
    "make_classification": ("binary", 20, {}),
    "make_friedman1": ("regression", 10, {}),
    "make_friedman2": ("regression", 4, {}),
    "make_friedman3": ("regression", 4, {}),
    "make_gaussian_quantiles": ("multiclass", 2, {}),
    "make_hastie_10_2": ("binary", 10, {}),
    "make_moons": ("binary", 2, {}),
    "make_regression": ("regression", 100, {"n_targets": 2}),
    "make_s_curve": ("regression", 3, {}),
    "make_sparse_uncorrelated": ("regression", 10, {}),
    "make_swiss_roll": ("regression", 3, {}),
}
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "load_sample_image": ("got ndarray", {"image_name": "china.jpg"}),
    "load_sample_images": ("got a Bunch of images, filenames, DESCR", {}),
    "make_biclusters": ("got tuple", {"shape": (8, 8), "n_clusters": 2}),
    "make_checkerboard": ("got tuple", {"shape": (8, 8), "n_clusters": 2}),
    "make_low_rank_matrix": ("got ndarray", {}),
    "make_multilabel_classification": ("one class a row or continuous, got 5 labels a row", {}),
    "make_sparse_coded_signal": (
        "got map", {"n_samples": 5, "n_components": 4, "n_features": 6, "n_nonzero_coefs": 2},
    ),
    "make_sparse_spd_matrix": ("got ndarray", {}),
    "make_spd_matrix": ("got ndarray", {"n_dim": 4}),
}  # fmt: skip
# Read from files of one's own.
FILES = {"load_files", "load_svmlight_file", "load_svmlight_files"}
# Downloaded; what a copy of the true layout becomes.
DOWNLOADED = {
    "fetch_20newsgroups", "fetch_20newsgroups_vectorized", "fetch_california_housing", "fetch_covtype",
    "fetch_kddcup99",
    "fetch_lfw_pairs", "fetch_lfw_people", "fetch_olivetti_faces", "fetch_openml", "fetch_rcv1",
    "fetch_species_distributions",
}  # fmt: skip
# Named in no setting: `fetch_file` is refused by the checks of settings.
NO_DATA = {"clear_data_home", "dump_svmlight_file", "fetch_file", "get_data_home"}


def test_nothing_is_forgotten() -> None:
    assert set(sklearn.datasets.__all__) == {*TABLES, *REFUSED, *FILES, *DOWNLOADED, *NO_DATA}


def _module(name: str, **arguments: Any) -> TableDataModule:
    return TableDataModule(dataset=partial(getattr(sklearn.datasets, name), **arguments))


def _refusal(name: str, **arguments: Any) -> str:
    with pytest.raises(UsageError) as caught:
        _module(name, **arguments).setup()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", TABLES)
def test_a_table(name: str) -> None:
    task, n_features, arguments = TABLES[name]
    data = _module(name, **arguments)
    assert (data.schema.task, data.schema.n_features) == (task, n_features)
    assert len(data.table) == sum(len(data.split.rows(split)) for split in ("train", "val", "test"))
    if task == "regression":
        assert data.table.target.shape == (len(data.table), data.schema.n_outputs(_task(data)))
    else:
        assert set(data.table.target) == set(range(len(data.schema.class_names)))


def _task(data: TableDataModule) -> Any:
    from perceptron.tasks import TASKS

    return TASKS[data.schema.task]


@pytest.mark.parametrize("name", [name for name in TABLES if name.startswith("load_")])
def test_the_same_table_as_a_frame(name: str) -> None:
    frame, plain = _module(name, as_frame=True), _module(name)
    np.testing.assert_array_equal(frame.table.features, plain.table.features)
    np.testing.assert_array_equal(frame.table.target, plain.table.target)
    assert frame.schema == plain.schema


@pytest.mark.parametrize("name", REFUSED)
def test_no_table(name: str) -> None:
    message, arguments = REFUSED[name]
    assert message in _refusal(name, **arguments)


def test_classes_of_floats_are_classes_where_there_are_two() -> None:
    table = as_table(sklearn.datasets.make_hastie_10_2(50, random_state=0))
    assert table.schema.class_names == ("-1", "1")
    assert set(table.target) == {0, 1}


def test_several_labels_a_row_are_a_regression_where_that_is_said() -> None:
    raw = sklearn.datasets.make_multilabel_classification(random_state=0)
    assert as_table(raw, task="regression").target.shape == (100, 5)
    for return_indicator in ("sparse", False):
        assert "target must be" in _refusal("make_multilabel_classification", return_indicator=return_indicator)
    with pytest.raises(UsageError, match="one class a row"):
        as_table(raw, task="multiclass")


def test_a_bunch_of_x_and_y() -> None:
    raw = sklearn.datasets.make_classification(return_X_y=False, random_state=0)
    assert as_table(raw).schema.task == "binary"


def test_sparse_tables_are_dense_where_they_fit(tmp_path: Path) -> None:
    features = sparse.random(60, 9, 0.3, format="csr", rng=np.random.default_rng(0))
    file = tmp_path / "rows.svm"
    dump_svmlight_file(features, np.arange(60) % 3, str(file))
    data = _module("load_svmlight_file", f=str(file), n_features=9)
    # Its format has no whole numbers, but their values are.
    assert data.schema.task == "multiclass"
    np.testing.assert_allclose(data.table.features, features.toarray(), atol=1e-6)
    assert "got list" in _refusal("load_svmlight_files", files=[str(file)])
    with pytest.raises(UsageError) as caught:
        as_table((sparse.csr_matrix((11_314, 130_107)), np.arange(11_314) % 20))
    assert str(caught.value) == (
        "a sparse table must take at most 1 GiB with its zeros, got 5.5 GiB of 11314 rows and 130107 columns; "
        "choose a table with fewer columns"
    )


def test_texts_are_no_numbers(tmp_path: Path) -> None:
    for kind in ("a", "b"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "one.txt").write_text("words and words", encoding="utf-8")
    assert "features must be numbers" in _refusal("load_files", container_path=str(tmp_path))


CACHES: dict[str, tuple[Callable[[Path], None], dict[str, Any], tuple[str, int]]] = {
    "fetch_california_housing": (downloads.california, {}, ("regression", 8)),
    # Forty people by number alone.
    "fetch_olivetti_faces": (downloads.olivetti, {}, ("regression", 4096)),
    "fetch_lfw_people": (downloads.lfw, {}, ("multiclass", 2914)),
    "fetch_lfw_pairs": (downloads.lfw, {}, ("binary", 5828)),
    "fetch_20newsgroups_vectorized": (downloads.newsgroups, {}, ("multiclass", 4)),
}


@pytest.mark.parametrize("name", CACHES)
def test_what_an_earlier_download_left(name: str, tmp_path: Path) -> None:
    make, arguments, (task, n_features) = CACHES[name]
    make(tmp_path)
    data = _module(name, data_home=str(tmp_path), download_if_missing=False, **arguments)
    assert (data.schema.task, data.schema.n_features) == (task, n_features)


@pytest.mark.parametrize("as_frame", [True, False])
def test_newsgroups_are_sparse_in_a_frame_too(as_frame: bool, tmp_path: Path) -> None:
    downloads.newsgroups(tmp_path)
    data = _module("fetch_20newsgroups_vectorized", data_home=str(tmp_path), as_frame=as_frame)
    assert data.table.features.shape == (18, 4)
    assert data.schema.task == "multiclass"


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("fetch_20newsgroups", downloads.newsgroups, "features must be numbers"),
        ("fetch_rcv1", downloads.rcv1, "one class a row or continuous, got 4 labels a row"),
        ("fetch_species_distributions", downloads.species, "got a Bunch of coverages, "),
    ],
)
def test_downloads_that_are_no_table(name: str, make: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    make(tmp_path)
    assert message in _refusal(name, data_home=str(tmp_path), download_if_missing=False)


@pytest.mark.filterwarnings("ignore:OpenML raised a warning on the dataset")
@pytest.mark.parametrize(
    ("data_id", "task", "classes", "feature"),
    [
        (61, "multiclass", ("Iris-setosa", "Iris-versicolor", "Iris-virginica"), "sepallength"),
        (1590, "binary", ("<=50K", ">50K"), "workclass=Private"),
        (3, "binary", ("nowin", "won"), "bkblk=f"),
    ],
)
def test_openml(data_id: int, task: str, classes: tuple[str, ...], feature: str, tmp_path: Path) -> None:
    downloads.openml(tmp_path, data_id)
    data = _module("fetch_openml", data_id=data_id, data_home=str(tmp_path))
    assert (data.schema.task, data.schema.class_names) == (task, classes)
    assert feature in data.schema.feature_names


def test_bytes_are_texts() -> None:
    frame = pd.DataFrame({"kind": [b"tcp", b"udp"] * 30, "count": [1, 2, 3] * 20}, dtype=object)
    target = pd.Series([b"normal.", b"smurf."] * 30)
    data = TableDataModule(dataset=lambda: (frame, target))
    assert data.schema.class_names == ("normal.", "smurf.")
    assert data.schema.feature_names == ("kind=tcp", "kind=udp", "count")
    assert as_table((np.zeros((60, 1)), target.to_numpy())).schema.class_names == ("normal.", "smurf.")
