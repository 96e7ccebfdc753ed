"""A population's batched metrics are those of a model alone."""

import numpy as np
import pytest
import torch
from torch import Tensor

from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, Standardize, TaskModule
from perceptron.population.scores import scores

MEMBERS, ROWS = 3, 60


def _model(task: str, n_targets: int = 1) -> TaskModule:
    settings = {"network": torch.nn.Identity(), "standardize": Standardize(np.zeros(1), np.ones(1))}
    if task == "regression":
        return Regressor(standardize_target=Standardize(np.full(n_targets, 50.0), np.full(n_targets, 3.0)), **settings)
    return MulticlassClassifier(**settings) if task == "multiclass" else BinaryClassifier(threshold=0.3, **settings)


def _rows(task: str, n_rows: int, n_targets: int = 1) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    if task == "regression":
        return torch.randn(MEMBERS, n_rows, n_targets), 50 + 3 * torch.randn(MEMBERS, n_rows, n_targets)
    n_classes = 4 if task == "multiclass" else 2
    return torch.randn(MEMBERS, n_rows, 4 if n_classes > 2 else 1), torch.randint(0, n_classes, (MEMBERS, n_rows))


def _equal(model: TaskModule, outputs: Tensor, target: Tensor) -> dict[str, Tensor]:
    together = scores(model, outputs, target)
    for member in range(MEMBERS):
        alone = {"loss": model.loss_in_units(model.row_losses(outputs[member], target[member]).mean())}
        alone |= model.metrics(outputs[member], target[member])
        assert together.keys() == alone.keys()
        for name, value in alone.items():
            torch.testing.assert_close(together[name][member], value, rtol=1e-6, atol=1e-6, equal_nan=True, msg=name)
    return together


@pytest.mark.parametrize(
    ("task", "n_targets"), [("binary", 1), ("multiclass", 1), ("regression", 1), ("regression", 3)]
)
@pytest.mark.parametrize("n_rows", [ROWS, 1])
def test_each_is_that_of_the_member_alone(task: str, n_targets: int, n_rows: int) -> None:
    _equal(_model(task, n_targets), *_rows(task, n_rows, n_targets))


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_so_it_is_with_ties_and_with_a_class_that_is_not_there(task: str) -> None:
    outputs, target = _rows(task, ROWS)
    found = _equal(_model(task), outputs.round(), target.clamp(max=0 if task == "binary" else 2))
    assert found["auroc"].isnan().all()
    assert not found["f1"].isnan().any()
    # A probability that is the threshold, to the last bit.
    outputs[:, :30] = torch.tensor(0.3).logit()
    _equal(_model(task), outputs, target)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_of_outputs_that_are_no_numbers_nothing_is_a_number(task: str) -> None:
    outputs, target = _rows(task, ROWS)
    outputs[1, 7] = torch.nan
    found = _equal(_model(task), outputs, target)
    assert all(value[1].isnan() and not value[0].isnan() for value in found.values())
