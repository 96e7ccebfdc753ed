"""Loss and metrics of a split."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torchmetrics import MeanAbsoluteError, MeanMetric, MetricCollection, R2Score
from torchmetrics.classification import (
    BinaryAccuracy,
    BinaryAUROC,
    BinaryConfusionMatrix,
    BinaryF1Score,
    BinarySpecificityAtSensitivity,
)

from perceptron.errors import UsageError
from perceptron.metrics import TaskMetrics
from perceptron.models.split_metrics import SplitMetrics, count, in_order, joined, label_from, number, numbers

PREDICTIONS, TARGET = torch.tensor([0.2, 0.6, 0.8, 0.4]), torch.tensor([0, 1, 0, 0])
OUTPUTS = PREDICTIONS[:, None]


class Breaks(MeanMetric):
    """Says what is wrong in two lines, where it is asked to."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def update(self, *_: Tensor) -> None:
        if self.where == "update":
            raise RuntimeError("this is wrong\nand here is advice")

    def compute(self) -> Tensor:
        raise ZeroDivisionError


def test_a_double_loss_stays_double_after_its_module_was_moved() -> None:
    losses, others = torch.tensor([1 / 3, 1 / 7], dtype=torch.float64), torch.zeros(2)
    counted = SplitMetrics("val", MetricCollection({}))
    for _ in range(2):
        # As Lightning moves a model before each fit and evaluation.
        counted.to("cpu")
        counted.update(losses, others, others, others)
        assert counted.compute(torch.clone)["val/loss"].item() == losses.mean().item()
        counted.reset()


def test_a_whole_number_becomes_a_floating_one() -> None:
    assert torch.equal(number(torch.tensor(3)), torch.tensor(3.0))
    assert torch.equal(number(torch.tensor([1, 2])), torch.tensor(1.5))


def test_what_stands_for_several_numbers_is_their_mean_or_the_first_of_a_pair() -> None:
    assert number(torch.tensor(0.25)).item() == 0.25
    assert torch.equal(number(torch.tensor([0.25, 0.75], dtype=torch.float64)), torch.tensor(0.5))
    assert number((torch.tensor(0.75), torch.tensor(0.5))).item() == 0.75
    double = torch.tensor(1 / 3, dtype=torch.float64)
    assert torch.equal(number(double), double)


def test_batches_are_measured_together_under_the_names_of_their_split() -> None:
    own = MetricCollection({"own": MeanAbsoluteError()})
    counted = SplitMetrics("test", joined(TaskMetrics(task="binary"), own))
    for part in (slice(0, 3), slice(3, 4)):
        counted.update(PREDICTIONS[part], PREDICTIONS[part], TARGET[part], OUTPUTS[part])
    found = counted.compute(lambda loss: 10 * loss)
    assert list(found) == [
        "test/loss", "test/acc", "test/balanced_acc", "test/auroc", "test/average_precision", "test/f1",
        "test/log_loss", "test/ece", "test/own",
    ]  # fmt: skip
    assert found["test/loss"].item() == pytest.approx(5.0)
    assert found["test/acc"].item() == 0.75
    assert found["test/own"].item() == pytest.approx((0.2 + 0.4 + 0.8 + 0.4) / 4)
    assert counted.rows is None
    counted.reset()
    counted.update(PREDICTIONS[1:2], PREDICTIONS[1:2], TARGET[1:2], OUTPUTS[1:2])
    again = counted.compute(lambda loss: loss)
    assert (again["test/loss"].item(), again["test/acc"].item()) == (pytest.approx(0.6), 1.0)
    # Those that were given have counted nothing.
    assert own["own"].update_count == 0


def test_all_rows_are_kept_where_they_are_asked_for() -> None:
    counted = SplitMetrics("val", MetricCollection({}), keeps_rows=True)
    for _ in range(2):
        for part in (slice(0, 3), slice(3, 4)):
            counted.update(PREDICTIONS[part], PREDICTIONS[part], TARGET[part], OUTPUTS[part])
        assert counted.rows is not None
        outputs, target = counted.rows.compute()
        assert torch.equal(outputs, OUTPUTS)
        assert torch.equal(target, TARGET)
        counted.reset()


def test_where_the_loss_is_nan_so_is_every_metric() -> None:
    counted = SplitMetrics("val", MetricCollection({"acc": BinaryAccuracy(), "own": MeanAbsoluteError()}))
    counted.update(torch.tensor([0.1, torch.nan, 0.3, 0.4]), PREDICTIONS, TARGET, OUTPUTS)
    found = counted.compute(lambda loss: loss)
    assert list(found) == ["val/loss", "val/acc", "val/own"]
    assert all(value.isnan() for value in found.values())


def test_an_infinite_loss_leaves_the_metrics_as_they_are() -> None:
    metrics = MetricCollection({"acc": BinaryAccuracy()})
    count(metrics, PREDICTIONS, TARGET)
    assert numbers(metrics, loss=torch.tensor(torch.inf))["acc"].item() == 0.75
    assert numbers(MetricCollection({}), loss=torch.tensor(torch.nan)) == {}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_measured_in_single(dtype: torch.dtype) -> None:
    taken: list[Any] = []

    class Inputs(MeanMetric):
        def update(self, preds: Tensor, target: Tensor) -> None:
            taken.append((preds, target))

    metrics = MetricCollection({"inputs": Inputs()})
    count(metrics, PREDICTIONS.to(dtype), TARGET)
    count(metrics, PREDICTIONS.to(dtype)[:, None], TARGET[:, None])
    # Several targets keep their dimension.
    count(metrics, PREDICTIONS.double().view(2, 2), TARGET.view(2, 2))
    for preds, target in taken[:2]:
        assert torch.equal(preds, PREDICTIONS.to(dtype).float())
        assert torch.equal(target, TARGET)
    assert torch.equal(taken[2][0], PREDICTIONS.double().view(2, 2))
    assert torch.equal(taken[2][1], TARGET.view(2, 2))


def test_a_metric_that_fails_is_named() -> None:
    rows = (PREDICTIONS, PREDICTIONS, TARGET, OUTPUTS)
    at_update = SplitMetrics("val", MetricCollection({"fine": MeanAbsoluteError(), "mine": Breaks("update")}))
    with pytest.raises(UsageError) as caught:
        at_update.update(*rows)
    assert str(caught.value) == (
        "metrics.mine must be computable on the val rows, got RuntimeError: this is wrong; change metrics.mine or "
        "leave it out"
    )
    at_compute = SplitMetrics("test", MetricCollection({"mine": Breaks("compute")}))
    at_compute.update(*rows)
    with pytest.raises(
        UsageError, match=r"^metrics\.mine must be computable on the test rows, got ZeroDivisionError: "
    ):
        at_compute.compute(lambda loss: loss)
    with pytest.raises(
        UsageError, match=r"^metrics\.mine must be computable on the evaluated rows, got RuntimeError: "
    ):
        count(MetricCollection({"mine": Breaks("update")}), PREDICTIONS, TARGET)
    r2 = MetricCollection({"r2": R2Score()})
    count(r2, PREDICTIONS[:1], TARGET[:1])
    with pytest.raises(UsageError, match=r"^metrics\.r2 must be computable on the evaluated rows, got ValueError: "):
        numbers(r2, loss=torch.tensor(1.0))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_a_probability_that_is_the_threshold_is_labelled_1(dtype: torch.dtype, threshold: float) -> None:
    metrics = MetricCollection(
        {"acc": BinaryAccuracy(), "f1": BinaryF1Score(), "matrix": BinaryConfusionMatrix(), "auroc": BinaryAUROC()}
    )
    label_from(metrics, threshold, dtype)
    # Half precision is measured in single.
    used = torch.float64 if dtype is torch.float64 else torch.float32
    at = torch.tensor(threshold, dtype=used)
    below = torch.nextafter(at, torch.tensor(0.0, dtype=used))
    metrics.update(torch.stack([at, below]), torch.tensor([1, 0]))
    assert metrics["acc"].compute().item() == 1
    assert metrics["matrix"].compute().tolist() == [[1, 0], [0, 1]]
    assert not hasattr(metrics["auroc"], "threshold")


def test_own_metrics_stand_behind_the_tasks_and_are_copies() -> None:
    own = MetricCollection({"mine": MeanAbsoluteError(), "pair": BinarySpecificityAtSensitivity(0.5)})
    of_task = TaskMetrics(task="binary")
    together = joined(of_task, own)
    count(together, PREDICTIONS, TARGET)
    assert [name for name, metric in own.items() if metric.update_count] == []
    assert all(metric.update_count for _, metric in of_task.items())
    assert list(in_order(numbers(together, loss=torch.tensor(1.0))))[-2:] == ["mine", "pair"]
    assert list(joined(None, own)) == ["mine", "pair"]
    assert list(joined(of_task, None)) == list(of_task)
    assert len(joined(None, None)) == 0


def test_metrics_are_in_the_order_of_their_task_whatever_their_prefix() -> None:
    values = {name: torch.tensor(0.0) for name in ("val/own", "val/r2", "val/acc", "val/rmse", "val/loss")}
    assert list(in_order(values)) == ["val/loss", "val/acc", "val/rmse", "val/r2", "val/own"]
    assert list(in_order({"mine": torch.tensor(0.0), "acc": torch.tensor(0.0)})) == ["acc", "mine"]
