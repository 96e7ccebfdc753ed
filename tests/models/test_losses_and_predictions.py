"""Losses, predictions and labels of each kind of task, by hand and against torch."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, Standardize, TaskModule

PLAIN = Standardize([0.0], [1.0])


class Same(nn.Module):
    """Gives its input back: the features are the outputs."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features


def test_binary_loss_by_hand() -> None:
    module = BinaryClassifier(network=Same(), standardize=PLAIN)
    losses = module.row_losses(torch.tensor([[0.0], [math.log(3)]]), torch.tensor([1, 0]))
    # p = 1/2 and p = 3/4.
    torch.testing.assert_close(losses, torch.tensor([math.log(2), math.log(4)]))


def test_cross_entropy_by_hand_takes_whole_number_labels() -> None:
    module = MulticlassClassifier(network=Same(), standardize=PLAIN)
    outputs = torch.tensor([[1.0, 2.0, 4.0]]).log()
    torch.testing.assert_close(module.row_losses(outputs, torch.tensor([2])), torch.tensor([math.log(7 / 4)]))


def test_predicted_labels_follow_the_threshold_and_probabilities_sum_to_one() -> None:
    module = BinaryClassifier(network=Same(), standardize=PLAIN, threshold=0.8)
    labels, probabilities, _ = module.predict(torch.tensor([[math.log(3)], [math.log(9)]]))
    assert labels.tolist() == [0, 1]
    torch.testing.assert_close(probabilities, torch.tensor([[0.25, 0.75], [0.1, 0.9]]))


def test_multiclass_takes_the_largest_of_each_row() -> None:
    # The notebook's argmax without a dimension gives one number for the whole batch.
    labels, probabilities, _ = MulticlassClassifier(network=Same(), standardize=PLAIN).predict(
        torch.tensor([[3.0, 1.0], [0.0, 5.0], [2.0, 1.0]])
    )
    assert labels.tolist() == [0, 1, 0]
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(3))


def test_regression_reports_in_the_targets_units() -> None:
    module = Regressor(network=Same(), standardize=PLAIN, standardize_target=Standardize([100.0], [10.0]))
    outputs, target = torch.tensor([[1.0], [-1.0]]), torch.tensor([[115.0], [90.0]])
    assert module.predict(outputs).labels.tolist() == [[110.0], [90.0]]
    losses = module.row_losses(outputs, target)
    torch.testing.assert_close(losses, torch.tensor([0.25, 0.0]))
    assert module.loss_in_units(losses.mean()).item() == pytest.approx(12.5)
    assert module.metrics(outputs, target)["rmse"].item() == pytest.approx(math.sqrt(12.5))


@pytest.mark.parametrize("kind", [BinaryClassifier, MulticlassClassifier, Regressor])
def test_models_side_by_side_are_computed_as_each_alone(kind: type[TaskModule]) -> None:
    n_outputs = 1 if kind is BinaryClassifier else 3
    settings: dict[str, Any] = {"network": Same(), "standardize": PLAIN}
    if kind is Regressor:
        settings["standardize_target"] = Standardize([100.0, 0.0, 5.0], [10.0, 1.0, 2.0])
    if kind is MulticlassClassifier:
        settings["label_smoothing"] = 0.2
    model = kind(**settings)
    outputs = torch.randn(2, 5, 7, n_outputs)
    target = 50 * torch.randn(2, 5, 7, 3) if kind is Regressor else torch.randint(0, max(n_outputs, 2), (2, 5, 7))
    losses, predictions = model.row_losses(outputs, target), model.predictions(outputs)
    for i in range(2):
        for j in range(5):
            torch.testing.assert_close(losses[i, j], model.row_losses(outputs[i, j], target[i, j]))
            torch.testing.assert_close(predictions[i, j], model.predictions(outputs[i, j]))
    assert losses.shape == (2, 5, 7)
    one = outputs[0, 0]
    if kind is MulticlassClassifier:
        expected = F.cross_entropy(one, target[0, 0], reduction="none", label_smoothing=0.2)
        torch.testing.assert_close(predictions[0, 0], one.softmax(dim=1))
    elif kind is BinaryClassifier:
        expected = F.binary_cross_entropy_with_logits(one[:, 0], target[0, 0].float(), reduction="none")
        torch.testing.assert_close(predictions[0, 0], one[:, 0].sigmoid())
    else:
        scale, mean = torch.tensor([10.0, 1.0, 2.0]), torch.tensor([100.0, 0.0, 5.0])
        expected = (one - (target[0, 0] - mean) / scale).square().mean(dim=1)
        torch.testing.assert_close(predictions[0, 0], one * scale + mean)
        # In units of the mean variance.
        assert model.loss_in_units(torch.tensor(2.0)).item() == pytest.approx(2 * (100 + 1 + 4) / 3)
    torch.testing.assert_close(losses[0, 0], expected)


def test_the_labels_of_classes_are_not_smoothed_unless_asked_for() -> None:
    outputs, target = torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 1])
    losses = MulticlassClassifier(network=Same(), standardize=PLAIN).row_losses(outputs, target)
    torch.testing.assert_close(losses, F.cross_entropy(outputs, target, reduction="none"))


@pytest.mark.parametrize("kind", [BinaryClassifier, MulticlassClassifier])
def test_the_mean_of_members_is_that_of_their_probabilities(kind: type[TaskModule]) -> None:
    model = kind(network=Same(), standardize=PLAIN)
    outputs = torch.randn(6, 4, 1 if kind is BinaryClassifier else 3)
    predicted, of_members = model.predict(outputs), model.predictions(outputs)
    if kind is BinaryClassifier:
        # (batch, members)
        torch.testing.assert_close(predicted.probabilities[:, 1], of_members.mean(dim=1))
        torch.testing.assert_close(predicted.spread, of_members.std(dim=1, correction=0))
        assert model.mean_of_members(outputs).shape == (6, 1)
    else:
        torch.testing.assert_close(predicted.probabilities, of_members.mean(dim=1))
        spread = [of_members[i, :, label].std(correction=0) for i, label in enumerate(predicted.labels)]
        torch.testing.assert_close(predicted.spread, torch.stack(spread))
        # Logarithms of probabilities, so that their cross-entropy is the loss of the mean.
        torch.testing.assert_close(model.mean_of_members(outputs).exp().sum(dim=1), torch.ones(6))
    assert predicted.labels.dtype == torch.int64


def test_the_mean_of_members_values_is_in_the_targets_units() -> None:
    target = Standardize([100.0, 0.0], [10.0, 2.0])
    model = Regressor(network=Same(), standardize=PLAIN, standardize_target=target)
    labels, probabilities, spread = model.predict(torch.tensor([[[1.0, 2.0], [3.0, -2.0]]]))
    assert labels.tolist() == [[120.0, 0.0]]
    assert spread is not None
    assert spread.tolist() == [[10.0, 4.0]]
    assert probabilities is None


@pytest.mark.parametrize("kind", [BinaryClassifier, MulticlassClassifier])
def test_correct_rows_are_those_whose_label_is_the_target(kind: type[TaskModule]) -> None:
    settings: dict[str, Any] = {"threshold": 0.3} if kind is BinaryClassifier else {}
    model = kind(network=Same(), standardize=PLAIN, **settings)
    outputs = torch.randn(2, 50, 1 if kind is BinaryClassifier else 3)
    target = torch.randint(0, 2 if kind is BinaryClassifier else 3, (2, 50))
    correct = model.correct(outputs, target)
    assert correct is not None
    for i in range(2):
        assert torch.equal(correct[i], model.predict(outputs[i]).labels == target[i])
    regressor = Regressor(network=Same(), standardize=PLAIN, standardize_target=PLAIN)
    assert regressor.correct(torch.randn(5, 1), torch.randn(5, 1)) is None
