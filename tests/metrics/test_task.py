import math

import numpy as np
import pytest
import torch
from sklearn import metrics as reference
from torch import Tensor
from torchmetrics import AUROC, R2Score, Recall

from perceptron.metrics import R2, BalancedAccuracy, TaskMetrics, ranking
from perceptron.metrics.ranking import area_and_precision, areas_and_precisions

RANDOM = np.random.default_rng(0)


def found(task: str, *batches: tuple[Tensor, Tensor], threshold: float | None = None) -> dict[str, float]:
    """Values of the collection after these batches of predictions and target."""
    metrics = TaskMetrics(task=task, num_classes=batches[0][0].shape[-1])
    for metric in metrics.values():
        if threshold is not None and hasattr(metric, "threshold"):
            metric.threshold = threshold
    for predictions, target in batches:
        metrics.update(predictions, target)
    return {name: value.item() for name, value in metrics.compute().items()}


def test_binary_metrics_are_scikit_learns() -> None:
    target = RANDOM.integers(0, 2, 200)
    probabilities = np.clip(0.5 * target + RANDOM.uniform(0, 0.6, 200), 0, 1).astype(np.float32)
    got = found("binary", (torch.from_numpy(probabilities), torch.from_numpy(target)), threshold=0.6)
    labels = probabilities > 0.6
    assert got["acc"] == pytest.approx(reference.accuracy_score(target, labels))
    assert got["auroc"] == pytest.approx(reference.roc_auc_score(target, probabilities))
    assert got["f1"] == pytest.approx(reference.f1_score(target, labels))
    assert got["balanced_acc"] == pytest.approx(reference.balanced_accuracy_score(target, labels))
    precision = reference.average_precision_score(target, probabilities)
    assert got["average_precision"] == pytest.approx(precision)
    assert got["log_loss"] == pytest.approx(reference.log_loss(target, probabilities.astype(float)), rel=1e-4)


def test_multiclass_metrics_are_scikit_learns() -> None:
    target = RANDOM.integers(0, 4, 300)
    logits = RANDOM.normal(size=(300, 4)) + 2 * np.eye(4)[target]
    probabilities = torch.from_numpy(logits.astype(np.float32)).softmax(dim=1)
    got = found("multiclass", (probabilities, torch.from_numpy(target)))
    values = probabilities.double().numpy()
    values /= values.sum(axis=1, keepdims=True)
    assert got["acc"] == pytest.approx(reference.accuracy_score(target, values.argmax(1)))
    assert got["f1"] == pytest.approx(reference.f1_score(target, values.argmax(1), average="macro"))
    assert got["auroc"] == pytest.approx(reference.roc_auc_score(target, values, multi_class="ovr"))
    assert got["balanced_acc"] == pytest.approx(reference.balanced_accuracy_score(target, values.argmax(1)))
    precision = reference.average_precision_score(target, values)
    assert got["average_precision"] == pytest.approx(precision)
    assert got["log_loss"] == pytest.approx(reference.log_loss(target, values), rel=1e-5)


def test_calibration_error_of_a_hand_worked_case() -> None:
    # Four rows at 0.75, of which two are right: |0.75 - 0.5|.
    probabilities, target = torch.full((4,), 0.75), torch.tensor([1, 1, 0, 0])
    assert found("binary", (probabilities, target))["ece"] == pytest.approx(0.25)


def test_regression_metrics_are_scikit_learns() -> None:
    target = RANDOM.normal(100, 10, (50, 1)).astype(np.float32)
    predicted = target + RANDOM.normal(0, 3, (50, 1)).astype(np.float32)
    got = found("regression", (torch.from_numpy(predicted), torch.from_numpy(target)))
    assert got["rmse"] == pytest.approx(reference.root_mean_squared_error(target, predicted), rel=1e-5)
    assert got["mae"] == pytest.approx(reference.mean_absolute_error(target, predicted), rel=1e-5)
    assert got["r2"] == pytest.approx(reference.r2_score(target, predicted), rel=1e-4)


def test_r2_compares_with_the_variance_of_the_targets_that_have_some() -> None:
    constant = torch.full((50, 1), 0.1)
    # Right to the last bit, and wrong; the mean of 50 times 0.1 is not 0.1 in float32.
    for predictions in (constant, constant + 0.5):
        assert math.isnan(found("regression", (predictions, constant))["r2"])
    varying = torch.arange(50.0)[:, None]
    both, predictions = torch.cat([constant, varying], dim=1), torch.cat([constant, varying + 1], dim=1)
    alone = found("regression", (varying + 1, varying))["r2"]
    assert found("regression", (predictions, both))["r2"] == alone


def test_what_is_not_defined_is_nan() -> None:
    one_class = found("binary", (torch.tensor([0.2, 0.9]), torch.tensor([1, 1])))
    assert math.isnan(one_class["auroc"])
    assert math.isnan(one_class["average_precision"])
    assert (one_class["acc"], one_class["balanced_acc"]) == (0.5, 0.5)
    assert math.isnan(found("multiclass", (torch.full((2, 3), 1 / 3), torch.tensor([0, 1])))["auroc"])
    assert math.isnan(found("regression", (torch.zeros(1), torch.zeros(1)))["r2"])


def test_the_stock_definitions_mislead_where_ours_stand_in() -> None:
    # Class 2 is predicted once and is not there.
    probabilities = torch.tensor([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.1, 0.7]])
    target = torch.tensor([0, 0, 1, 1])
    recall = Recall(task="multiclass", num_classes=3, average="macro")(probabilities, target).item()
    balanced = BalancedAccuracy(num_classes=3)
    balanced.update(probabilities, target)
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        expected = reference.balanced_accuracy_score(target, probabilities.argmax(1))
    assert (recall, balanced.compute().item()) == (0.5, expected) == (0.5, 0.75)
    with pytest.warns(UserWarning, match="No positive samples"):
        area = AUROC(task="multiclass", num_classes=3)(probabilities, target).item()
    # As if the class that is not there had an area of 0.
    assert area == pytest.approx((1 + 0.625 + 0) / 3)
    assert math.isnan(found("multiclass", (probabilities, target))["auroc"])
    far = 1e5 + torch.randn(100, generator=torch.Generator().manual_seed(0))
    near = far + 0.5 * torch.randn(100, generator=torch.Generator().manual_seed(1))
    right = reference.r2_score(far.double(), near.double())
    ours, stock = R2(), R2Score()
    ours.update(near, far)
    stock.update(near, far)
    assert ours.compute().item() == pytest.approx(right, abs=1e-4)
    assert abs(stock.compute().item() - right) > 0.01


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_batches_give_what_all_rows_give(task: str) -> None:
    target = torch.from_numpy(RANDOM.integers(0, 2 if task == "binary" else 3, 90))
    predictions = torch.from_numpy(RANDOM.uniform(size=(90, 3)).astype(np.float32))
    if task == "multiclass":
        predictions = predictions.softmax(dim=1)
    elif task == "binary":
        predictions = predictions[:, 0].contiguous()
    else:
        target = torch.from_numpy(RANDOM.normal(size=(90, 3)).astype(np.float32))
    batches = zip(predictions.split(40), target.split(40), strict=True)
    assert found(task, *batches) == pytest.approx(found(task, (predictions, target)), rel=1e-6)


def test_classes_of_many_rows_one_after_the_other_are_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    target = torch.from_numpy(RANDOM.integers(0, 3, 60))
    probabilities = torch.from_numpy(RANDOM.normal(size=(60, 3)).astype(np.float32)).softmax(dim=1)
    at_once = areas_and_precisions(probabilities, target)
    monkeypatch.setattr(ranking, "_MANY_ROWS", 10)
    torch.testing.assert_close(areas_and_precisions(probabilities, target), at_once, rtol=0, atol=0)


@pytest.mark.parametrize("part_rows", [1, 7, 60])
def test_ranks_that_are_counted_in_parts_are_as_of_all_rows(part_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    target = torch.from_numpy(RANDOM.integers(0, 2, (4, 60)))
    # Ties that reach over several parts, and rows that are one tie.
    probabilities = torch.from_numpy(RANDOM.integers(0, [[1], [3], [9], [99]], (4, 60)) / 100).float()
    area, _ = area_and_precision(probabilities, target == 1)
    monkeypatch.setattr(ranking, "_PART_ROWS", part_rows)
    area_in_parts, precision = area_and_precision(probabilities, target == 1)
    assert torch.equal(area_in_parts, area)
    for row in range(4):
        expected = reference.average_precision_score(target[row], probabilities[row])
        assert precision[row].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_ranks_are_right_in_every_precision_and_where_probabilities_are_0_or_1(precision: torch.dtype) -> None:
    # A network that is sure: some probabilities are the ends of the range, to the last bit.
    torch.manual_seed(0)
    of_1, target = (60 * torch.randn(400)).sigmoid().to(precision), torch.randint(0, 2, (400,))
    assert (of_1 == 0).any()
    assert (of_1 == 1).any()
    area, average = area_and_precision(of_1, target == 1)
    assert area.item() == pytest.approx(reference.roc_auc_score(target, of_1.double()), abs=1e-6)
    assert average.item() == pytest.approx(reference.average_precision_score(target, of_1.double()), abs=1e-6)
    rounded = torch.stack([of_1.clamp(0.1, 0.9), -0.0 * of_1])
    assert area_and_precision(rounded, (target == 1).expand(2, -1))[0][1].item() == 0.5
