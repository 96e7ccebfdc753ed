"""Loss and metrics of a split."""

import torch
from torchmetrics import MetricCollection

from perceptron.models.split_metrics import SplitMetrics, number


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
