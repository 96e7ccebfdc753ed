"""A run's metrics on its splits, and what callbacks see of the evaluation."""

import json
from pathlib import Path
from typing import Any

import lightning as L
import torch

from perceptron.composition.train import train


class CountRows(L.Callback):
    """Logs, in the hook of a batch and in that of the epoch, how many rows the test has."""

    def __init__(self) -> None:
        self.rows = 0

    def on_test_batch_end(self, _trainer: L.Trainer, module: L.LightningModule, _outputs: Any, batch: Any, *_: Any):
        self.rows += len(batch[0])
        module.log("test/rows_of_batches", float(len(batch[0])), on_epoch=True, reduce_fx=torch.sum)

    def on_test_epoch_end(self, _trainer: L.Trainer, module: L.LightningModule) -> None:
        module.log("test/rows_of_epoch", float(self.rows))


def test_callbacks_see_the_test_rows_alone(composed, tmp_path: Path) -> None:
    callback = "tests.training.test_evaluate.CountRows"
    train(*composed(f"+callbacks.count._target_={callback}", "trainer.max_epochs=1", "data.eval_batch_size=50"))
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert metrics.keys() >= {"train/acc", "val/acc", "test/acc"}
    assert (metrics["test/rows_of_batches"], metrics["test/rows_of_epoch"]) == (114, 114)


def test_metrics_of_every_split_keep_their_digits_in_half_precision(composed, tmp_path: Path) -> None:
    train(*composed("trainer.precision=bf16-true", "trainer.max_epochs=1"))
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    for split, n_rows in (("train", 369), ("val", 86), ("test", 114)):
        n_correct = metrics[f"{split}/acc"] * n_rows
        assert abs(n_correct - round(n_correct)) < 1e-3, split
