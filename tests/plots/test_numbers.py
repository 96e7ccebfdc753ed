"""The numbers behind the figures, against torchmetrics, scikit-learn and hand-worked cases."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_average_precision,
    binary_calibration_error,
    multiclass_auroc,
    multiclass_average_precision,
    multiclass_calibration_error,
)

from perceptron.plots.calibration import Reliability, reliability
from perceptron.plots.confusion import confusion_counts, confusion_rates
from perceptron.plots.discrimination import discriminate
from perceptron.plots.mistakes import Mistake, image_shape, surest_mistakes
from perceptron.plots.probabilities import counts_by_class
from perceptron.plots.residuals import residuals


@pytest.fixture(params=[2, 5])
def answered(request) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities with ties, and targets that agree with them more often than not."""
    generator = np.random.default_rng(request.param)
    logits = generator.normal(size=(300, request.param)).round(1)
    target = (logits + generator.normal(size=logits.shape)).argmax(axis=1)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32), target


def test_the_matrix_sums_to_the_rows(answered) -> None:
    probabilities, target = answered
    labels = probabilities.argmax(axis=1)
    counts = confusion_counts(target, labels, n_classes=probabilities.shape[1])
    np.testing.assert_array_equal(counts, confusion_matrix(target, labels))
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(target))
    assert counts.sum() == 300
    np.testing.assert_allclose(confusion_rates(counts).sum(axis=1), 1)


def test_a_class_without_rows_has_rates_of_0() -> None:
    counts = confusion_counts(np.array([0, 0]), np.array([0, 1]), n_classes=2)
    np.testing.assert_array_equal(confusion_rates(counts), [[0.5, 0.5], [0, 0]])


def test_areas_are_torchmetrics(answered) -> None:
    probabilities, target = answered
    found = discriminate(probabilities, target)
    values, truth = torch.tensor(probabilities), torch.tensor(target)
    if probabilities.shape[1] == 2:
        assert [one.label for one in found] == [1]
        areas, precisions = binary_auroc(values[:, 1], truth), binary_average_precision(values[:, 1], truth)
    else:
        areas = multiclass_auroc(values, truth, num_classes=5, average=None)
        precisions = multiclass_average_precision(values, truth, num_classes=5, average=None)
    assert [one.roc_area for one in found] == pytest.approx(areas.reshape(-1).tolist(), abs=1e-6)
    assert [one.average_precision for one in found] == pytest.approx(precisions.reshape(-1).tolist(), abs=1e-6)
    for one in found:
        # The drawn points enclose the area that is told.
        assert np.trapezoid(one.true_positive_rate, one.false_positive_rate) == pytest.approx(one.roc_area)
        steps = -np.diff(one.recall) * one.precision[:-1]
        assert steps.sum() == pytest.approx(one.average_precision, abs=1e-6)


def test_a_class_that_is_not_among_the_rows_has_no_curve() -> None:
    probabilities = np.full((4, 3), 1 / 3, dtype=np.float32)
    assert [one.label for one in discriminate(probabilities, np.array([0, 1, 0, 1]))] == [0, 1]


def test_the_calibration_error_is_torchmetrics(answered) -> None:
    probabilities, target = answered
    measured = reliability(probabilities, target)
    values, truth = torch.tensor(probabilities), torch.tensor(target)
    expected = (
        binary_calibration_error(values[:, 1].contiguous(), truth)
        if probabilities.shape[1] == 2
        else multiclass_calibration_error(values, truth, num_classes=5)
    )
    assert measured.expected_error == pytest.approx(expected.item(), abs=1e-5)
    assert measured.n_rows.sum() == 300
    assert (measured.n_rows > 0).all()


def test_every_row_is_in_the_histogram_of_its_class(answered) -> None:
    probabilities, target = answered
    np.testing.assert_array_equal(counts_by_class(probabilities, target).sum(axis=1), np.bincount(target))


def test_a_probability_of_1_is_in_the_last_bin() -> None:
    counts = counts_by_class(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1, 0]))
    assert (counts[1, -1], counts[0, 0], counts.sum()) == (1, 1, 2)


def test_the_surest_mistakes_come_first_and_right_rows_not_at_all() -> None:
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    found = surest_mistakes(probabilities, np.array([1, 1, 1, 0]), probabilities.argmax(axis=1), most=2)
    assert found == [Mistake(1, 1, 0, 0.9), Mistake(3, 0, 1, 0.7)]


@pytest.mark.parametrize(
    ("names", "shape"),
    [
        ([f"pixel_{i}_{j}" for i in range(3) for j in range(2)], (3, 2)),
        (["pixel_0_0", "pixel_1_1"], None),
        (["pixel_0_0", "age"], None),
        ([], None),
    ],
)
def test_images_are_known_by_their_pixels_names(names, shape) -> None:
    assert image_shape(names) == shape


def test_residuals_are_predicted_minus_true() -> None:
    np.testing.assert_array_equal(residuals(np.float32([3, 1]), np.float32([1, 2])), [2, -1])


def test_intervals_of_bins_are_wilsons() -> None:
    """Against the value for 8 of 10 in Wilson's method, 0.490 to 0.943."""
    found = Reliability(predicted=np.array([0.8, 0.5]), observed=np.array([0.8, 1.0]), n_rows=np.array([10, 1]))
    low, high = found.interval
    np.testing.assert_allclose(low, [0.4902, 0.2065], atol=2e-4)
    np.testing.assert_allclose(high, [0.9433, 1.0], atol=2e-4)
