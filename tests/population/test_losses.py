"""Losses by hand, against the models' own and torch's autograd."""

import pytest
import torch

from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, Standardize, TaskModule
from perceptron.population import MODELS
from perceptron.population.losses import losses_and_gradients

SCALING = Standardize(torch.tensor([1.0, -2.0]), torch.tensor([3.0, 0.5]))


def model(kind: type[TaskModule], **settings: object) -> TaskModule:
    own = {"standardize_target": SCALING} if kind is Regressor else {}
    return kind(network=torch.nn.Identity(), standardize=SCALING, optimizer=torch.optim.SGD, seed=0, **own, **settings)


CASES = {
    "binary": (model(BinaryClassifier), 1, torch.randint(0, 2, (3, 7))),
    "multiclass": (model(MulticlassClassifier), 4, torch.randint(0, 4, (3, 7))),
    "smoothed": (model(MulticlassClassifier, label_smoothing=0.3), 4, torch.randint(0, 4, (3, 7))),
    "regression": (model(Regressor), 2, torch.randn(3, 7, 2, dtype=torch.float64)),
}


def test_every_kind_is_looked_at() -> None:
    assert {type(case[0]) for case in CASES.values()} == set(MODELS)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("rows_last", [False, True])
def test_losses_and_gradients_are_the_models_own(name: str, rows_last: bool) -> None:
    of, n_outputs, target = CASES[name]
    of = of.double()
    outputs = 5 * torch.randn(3, 7, n_outputs, dtype=torch.float64)
    if rows_last:
        outputs = outputs.transpose(1, 2).contiguous().transpose(1, 2)
    before = outputs.clone()
    losses, gradients = losses_and_gradients(of, outputs, target)
    assert torch.equal(outputs, before)
    inputs = outputs.clone().requires_grad_()
    wanted = of.row_losses(inputs, target)
    torch.testing.assert_close(losses, wanted.detach())
    torch.testing.assert_close(gradients, torch.autograd.grad(wanted.sum(), inputs)[0])


def test_a_row_without_doubt_has_no_gradient() -> None:
    outputs = torch.tensor([[[1000.0, 0.0, -1000.0], [torch.inf, 0.0, 0.0]]])
    losses, gradients = losses_and_gradients(CASES["multiclass"][0], outputs, torch.tensor([[0, 0]]))
    assert losses[0, 0] == 0
    assert not gradients[0, 0].any()
    assert losses[0, 1].isnan()
