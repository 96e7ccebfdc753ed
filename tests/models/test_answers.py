"""Answers for raw rows."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from perceptron.models import Answers, BinaryClassifier, MulticlassClassifier, Regressor, Standardize, TaskModule

PLAIN = Standardize([0.0], [1.0])
# Far from zero and near one another, as single precision does not hold them.
ROWS = torch.tensor([[2.0**30 + 0.25, 1.0], [2.0**30 - 0.75, 3.0]], dtype=torch.float64)
OFFSETS = (2.0**30, 0.0)
NEAR = torch.tensor([[0.25, 1.0], [-0.75, 3.0]])


class Same(nn.Module):
    """Gives its input back."""

    def forward(self, features: Tensor) -> Tensor:
        return features


class Twice(nn.Module):
    """Gives its input back as that of two members, of whose values the second's are two more."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.stack([features, features + 2], dim=1)


def _regressor(network: nn.Module) -> TaskModule:
    target = Standardize([100.0, 10.0], [2.0, 4.0])
    return Regressor(network=network, standardize=PLAIN, standardize_target=target).eval()


def test_classes_are_labels_and_probabilities() -> None:
    model = MulticlassClassifier(network=Same(), standardize=PLAIN).eval()
    labels, probabilities = Answers(model, feature_offsets=OFFSETS)(ROWS)
    assert labels.tolist() == [1, 1]
    torch.testing.assert_close(probabilities, NEAR.softmax(dim=1))
    plain = Answers(model)(NEAR.double())
    assert torch.equal(plain[1], probabilities)


def test_values_are_in_double_precision_and_in_the_targets_units() -> None:
    answers = Answers(_regressor(Same()), feature_offsets=OFFSETS, target_offsets=(2.0**40, 0.0))
    (values,) = answers(ROWS)
    expected = NEAR.double() * torch.tensor([2.0, 4.0]) + torch.tensor([100.0, 10.0])
    assert torch.equal(values, expected + torch.tensor([2.0**40, 0.0], dtype=torch.float64))
    assert values.dtype == torch.float64
    (without,) = Answers(_regressor(Same()), feature_offsets=OFFSETS)(ROWS)
    assert torch.equal(without, expected)


def test_an_ensemble_also_answers_with_its_spread() -> None:
    values, spread = Answers(_regressor(Twice()))(NEAR.double())
    assert values.tolist() == ((NEAR.double() + 1) * torch.tensor([2.0, 4.0]) + torch.tensor([100.0, 10.0])).tolist()
    assert spread.tolist() == [[2.0, 4.0], [2.0, 4.0]]
    binary = BinaryClassifier(network=Twice(), standardize=PLAIN).eval()
    labels, probabilities, spread = Answers(binary)(NEAR[:, :1].double())
    of_members = torch.stack([NEAR[:, 0].sigmoid(), (NEAR[:, 0] + 2).sigmoid()])
    torch.testing.assert_close(probabilities[:, 1], of_members.mean(dim=0))
    torch.testing.assert_close(spread, (of_members[1] - of_members[0]) / 2)
    assert labels.tolist() == [1, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_offsets_are_of_double_precision_whatever_the_models(dtype: torch.dtype) -> None:
    model: Any = _regressor(Same()).to(dtype)
    answers = Answers(model, feature_offsets=OFFSETS, target_offsets=(2.0**40 + 0.5, 0.25))
    assert answers.feature_offsets.tolist() == list(OFFSETS)
    assert answers.target_offsets.tolist() == [2.0**40 + 0.5, 0.25]
    assert {name for name in answers.state_dict() if "offsets" in name} == {"feature_offsets", "target_offsets"}
    assert answers(ROWS)[0].dtype == torch.float64
