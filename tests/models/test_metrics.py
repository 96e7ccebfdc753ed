import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from perceptron.models import metrics
from perceptron.models.metrics import binary_metrics, multiclass_metrics, regression_metrics

RANDOM = np.random.default_rng(0)


def test_binary_metrics_are_scikit_learns() -> None:
    target = RANDOM.integers(0, 2, 200)
    probabilities = np.clip(0.5 * target + RANDOM.uniform(0, 0.6, 200), 0, 1).astype(np.float32)
    got = binary_metrics(torch.from_numpy(probabilities), torch.from_numpy(target), threshold=0.6)
    labels = probabilities >= 0.6
    assert got["acc"].item() == pytest.approx(reference.accuracy_score(target, labels))
    assert got["auroc"].item() == pytest.approx(reference.roc_auc_score(target, probabilities))
    assert got["f1"].item() == pytest.approx(reference.f1_score(target, labels))
    assert got["balanced_acc"].item() == pytest.approx(reference.balanced_accuracy_score(target, labels))
    precision = reference.average_precision_score(target, probabilities)
    assert got["average_precision"].item() == pytest.approx(precision)
    assert got["log_loss"].item() == pytest.approx(reference.log_loss(target, probabilities.astype(float)), rel=1e-4)


def test_multiclass_metrics_are_scikit_learns() -> None:
    target = RANDOM.integers(0, 4, 300)
    logits = RANDOM.normal(size=(300, 4)) + 2 * np.eye(4)[target]
    probabilities = torch.from_numpy(logits.astype(np.float32)).softmax(dim=1)
    got = multiclass_metrics(probabilities, torch.from_numpy(target))
    values = probabilities.double().numpy()
    values /= values.sum(axis=1, keepdims=True)
    assert got["acc"].item() == pytest.approx(reference.accuracy_score(target, values.argmax(1)))
    assert got["f1"].item() == pytest.approx(reference.f1_score(target, values.argmax(1), average="macro"))
    assert got["auroc"].item() == pytest.approx(reference.roc_auc_score(target, values, multi_class="ovr"))
    assert got["balanced_acc"].item() == pytest.approx(reference.balanced_accuracy_score(target, values.argmax(1)))
    precision = reference.average_precision_score(target, values)
    assert got["average_precision"].item() == pytest.approx(precision)
    assert got["log_loss"].item() == pytest.approx(reference.log_loss(target, values), rel=1e-5)


def test_calibration_error_of_a_hand_worked_case() -> None:
    # Four rows at 0.75, of which two are right: |0.75 - 0.5|.
    probabilities, target = torch.full((4,), 0.75), torch.tensor([1, 1, 0, 0])
    assert binary_metrics(probabilities, target, threshold=0.5)["ece"].item() == pytest.approx(0.25)


def test_regression_metrics_are_scikit_learns() -> None:
    target = RANDOM.normal(100, 10, (50, 1)).astype(np.float32)
    predicted = target + RANDOM.normal(0, 3, (50, 1)).astype(np.float32)
    got = regression_metrics(torch.from_numpy(predicted), torch.from_numpy(target))
    assert got["rmse"].item() == pytest.approx(reference.root_mean_squared_error(target, predicted), rel=1e-5)
    assert got["mae"].item() == pytest.approx(reference.mean_absolute_error(target, predicted), rel=1e-5)
    assert got["r2"].item() == pytest.approx(reference.r2_score(target, predicted), rel=1e-4)


def test_r2_compares_with_the_variance_of_the_targets_that_have_some() -> None:
    constant = torch.full((50, 1), 0.1)
    # Right to the last bit, and wrong; the mean of 50 times 0.1 is not 0.1 in float32.
    for predictions in (constant, constant + 0.5):
        assert regression_metrics(predictions, constant)["r2"].isnan()
    varying = torch.arange(50.0)[:, None]
    both, predictions = torch.cat([constant, varying], dim=1), torch.cat([constant, varying + 1], dim=1)
    alone = regression_metrics(varying + 1, varying)["r2"]
    assert regression_metrics(predictions, both)["r2"] == alone


def test_what_is_not_defined_is_nan() -> None:
    one_class = binary_metrics(torch.tensor([0.2, 0.9]), torch.tensor([1, 1]), threshold=0.5)
    assert one_class["auroc"].isnan()
    assert one_class["average_precision"].isnan()
    assert (one_class["acc"].item(), one_class["balanced_acc"].item()) == (0.5, 0.5)
    missing = multiclass_metrics(torch.full((2, 3), 1 / 3), torch.tensor([0, 1]))
    assert missing["auroc"].isnan()
    assert regression_metrics(torch.zeros(1, 1), torch.zeros(1, 1))["r2"].isnan()


def test_classes_of_many_rows_one_after_the_other_are_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    target = torch.from_numpy(RANDOM.integers(0, 3, 60))
    probabilities = torch.from_numpy(RANDOM.normal(size=(60, 3)).astype(np.float32)).softmax(dim=1)
    at_once = multiclass_metrics(probabilities, target)
    monkeypatch.setattr(metrics, "_MANY_ROWS", 10)
    torch.testing.assert_close(multiclass_metrics(probabilities, target), at_once, rtol=0, atol=0)


@pytest.mark.parametrize("part_rows", [1, 7, 60])
def test_ranks_that_are_counted_in_parts_are_as_of_all_rows(part_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    target = torch.from_numpy(RANDOM.integers(0, 2, (4, 60)))
    # Ties that reach over several parts, and rows that are one tie.
    probabilities = torch.from_numpy(RANDOM.integers(0, [[1], [3], [9], [99]], (4, 60)) / 100).float()
    at_once = binary_metrics(probabilities, target, threshold=0.5)
    monkeypatch.setattr(metrics, "_PART_ROWS", part_rows)
    in_parts = binary_metrics(probabilities, target, threshold=0.5)
    assert torch.equal(in_parts["auroc"], at_once["auroc"])
    torch.testing.assert_close(in_parts["average_precision"], at_once["average_precision"], rtol=0, atol=1e-6)
    for row in range(4):
        expected = reference.average_precision_score(target[row], probabilities[row])
        assert in_parts["average_precision"][row].item() == pytest.approx(expected, abs=1e-6)
