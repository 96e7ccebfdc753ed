import pytest
import torch
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    r2_score,
    roc_auc_score,
)
from torch import Tensor
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_calibration_error,
    binary_f1_score,
    multiclass_auroc,
    multiclass_calibration_error,
    multiclass_f1_score,
)

from perceptron.models.metrics import binary_metrics, multiclass_metrics, regression_metrics


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def coarse(probabilities: Tensor) -> Tensor:
    """With many ties."""
    return (probabilities * 20).round() / 20


def test_binary_metrics_are_scikit_learns_and_torchmetrics() -> None:
    probabilities, target = coarse(torch.rand(3, 200)).clamp(0.01, 0.99), torch.randint(0, 2, (3, 200))
    found = binary_metrics(probabilities, target, threshold=0.4)
    for model in range(3):
        of_1, labels, true = probabilities[model], (probabilities[model] >= 0.4).long(), target[model]
        expected = {
            "acc": accuracy_score(true, labels),
            "balanced_acc": balanced_accuracy_score(true, labels),
            "auroc": roc_auc_score(true, of_1),
            "average_precision": average_precision_score(true, of_1),
            "f1": f1_score(true, labels),
            "log_loss": log_loss(true, of_1),
            "ece": binary_calibration_error(of_1, true).item(),
        }
        assert {name: value[model].item() for name, value in found.items()} == pytest.approx(expected, abs=1e-6)
        assert found["auroc"][model].item() == pytest.approx(binary_auroc(of_1, true).item(), abs=1e-6)
        assert found["f1"][model].item() == pytest.approx(binary_f1_score(labels, true).item(), abs=1e-6)


def test_multiclass_metrics_are_scikit_learns_and_torchmetrics() -> None:
    probabilities, target = torch.randn(3, 200, 4).double().softmax(-1), torch.randint(0, 4, (3, 200))
    found = multiclass_metrics(probabilities, target)
    for model in range(3):
        rows, labels, true = probabilities[model], probabilities[model].argmax(1), target[model]
        expected = {
            "acc": accuracy_score(true, labels),
            "balanced_acc": balanced_accuracy_score(true, labels),
            "auroc": roc_auc_score(true, rows, multi_class="ovr"),
            "average_precision": average_precision_score(true, rows),
            "f1": f1_score(true, labels, average="macro"),
            "log_loss": log_loss(true, rows),
            "ece": multiclass_calibration_error(rows, true, num_classes=4).item(),
        }
        assert {name: value[model].item() for name, value in found.items()} == pytest.approx(expected, abs=1e-6)
        area = multiclass_auroc(rows, true, num_classes=4).item()
        assert found["auroc"][model].item() == pytest.approx(area, abs=1e-6)


def test_a_class_that_is_missing_makes_the_area_undefined_and_does_not_count_in_f1() -> None:
    logits = torch.randn(50, 4)
    logits[:, 3] = -9
    target = torch.randint(0, 3, (50,))
    found = multiclass_metrics(logits.softmax(-1), target)
    assert found["auroc"].isnan()
    expected = multiclass_f1_score(logits.argmax(1), target, num_classes=4).item()
    assert found["f1"].item() == pytest.approx(expected, abs=1e-6)
    assert binary_metrics(torch.rand(9), torch.ones(9).long(), threshold=0.5)["auroc"].isnan()


def test_regression_metrics_by_hand_and_by_scikit_learn() -> None:
    found = regression_metrics(torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [5.0]]))
    assert found["mae"].item() == 1.5
    assert found["rmse"].item() == pytest.approx(2.5**0.5)
    assert found["r2"].item() == pytest.approx(1 - 5 / 12.5)
    predictions, target = torch.randn(2, 30, 3), torch.randn(2, 30, 3)
    values = regression_metrics(predictions, target)["r2"]
    for model in range(2):
        assert values[model].item() == pytest.approx(r2_score(target[model], predictions[model]), abs=1e-5)
    assert regression_metrics(torch.ones(1, 1), torch.ones(1, 1))["r2"].isnan()


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_ranks_are_right_in_every_precision_and_where_probabilities_are_0_or_1(precision: torch.dtype) -> None:
    # A network that is sure: some probabilities are the ends of the range, to the last bit.
    of_1, target = (60 * torch.randn(400)).sigmoid().to(precision), torch.randint(0, 2, (400,))
    assert (of_1 == 0).any()
    assert (of_1 == 1).any()
    found = binary_metrics(of_1, target, threshold=0.5)
    assert found["auroc"].item() == pytest.approx(roc_auc_score(target, of_1.double()), abs=1e-6)
    assert found["average_precision"].item() == pytest.approx(average_precision_score(target, of_1.double()), abs=1e-6)
    rounded = torch.stack([of_1.clamp(0.1, 0.9), -0.0 * of_1])
    assert binary_metrics(rounded, target.expand(2, -1), threshold=0.5)["auroc"][1].item() == 0.5
