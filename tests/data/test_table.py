import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_linnerud
from sklearn.utils import Bunch

from perceptron.data import as_table
from perceptron.errors import UsageError
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION


@pytest.mark.parametrize(
    ("load", "task", "shape"),
    [
        (load_breast_cancer, "binary", (569, 30)),
        (load_digits, "multiclass", (1797, 64)),
        (load_iris, "multiclass", (150, 4)),
        (load_diabetes, "regression", (442, 10)),
        (load_linnerud, "regression", (20, 3)),
    ],
)
def test_task_and_shape_are_read_off_the_data(load, task, shape) -> None:
    table = as_table(load())
    assert table.schema.task == task
    assert table.features.shape == shape
    assert table.features.dtype == np.float32
    assert table.schema.n_features == shape[1]


def test_classes_keep_their_names_in_the_order_of_the_labels() -> None:
    table = as_table(load_breast_cancer())
    assert table.schema.class_names == ("malignant", "benign")
    assert table.schema.feature_names[0] == "mean radius"
    assert table.target.dtype == np.int64


def test_numbers_of_outputs_follow_from_the_task() -> None:
    digits, linnerud = as_table(load_digits()).schema, as_table(load_linnerud()).schema
    assert digits.n_outputs(MULTICLASS) == 10
    assert as_table(load_breast_cancer()).schema.n_outputs(BINARY) == 1
    assert linnerud.n_outputs(REGRESSION) == 3
    assert linnerud.target_names == ("Weight", "Waist", "Pulse")


def test_text_labels_become_numbers_in_sorted_order() -> None:
    table = as_table((np.zeros((3, 1)), np.array(["no", "yes", "no"])))
    assert table.target.tolist() == [0, 1, 0]
    assert table.schema.class_names == ("no", "yes")
    assert table.schema.feature_names == ("x0",)


def test_a_set_task_wins() -> None:
    assert as_table((np.zeros((4, 1)), np.array([0, 1, 2, 3])), task="regression").schema.task == "regression"
    assert as_table((np.zeros((4, 1)), np.array([0, 1, 0, 1])), task="multiclass").schema.task == "multiclass"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (Bunch(text=[1]), "must give a table and a target"),
        ((np.zeros((3, 1)), np.zeros(2)), "got 3 rows and 2 targets"),
        ((np.zeros((0, 1)), np.zeros(0)), "got 0 rows"),
        ((np.array([["a"]]), np.zeros(1)), "features must be numbers"),
        ((np.zeros(3), np.zeros(3)), "must be a table of rows and columns, got 1 dimensions"),
        ((np.array([[0.0], [np.nan]]), np.zeros(2)), "got nan in row 1, column 0"),
        ((np.zeros((2, 1)), np.array([1, 1])), "at least two classes"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(raw, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        as_table(raw)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_task_binary_needs_two_classes() -> None:
    with pytest.raises(UsageError, match=r"data\.task=binary needs two classes, got 3"):
        as_table((np.zeros((3, 1)), np.array([0, 1, 2])), task="binary")
