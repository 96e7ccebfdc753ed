"""Choose the threshold of ``model.threshold=auto`` on validation rows, and store it in the best checkpoint."""

import logging
from pathlib import Path
from typing import TypeGuard

import numpy as np
import torch

from perceptron.data import TableDataModule
from perceptron.errors import UsageError
from perceptron.metrics import BalancedAccuracy
from perceptron.models import BinaryClassifier, TaskModule
from perceptron.models.threshold import START
from perceptron.runs.checkpoints.checkpoint_file import AtomicCheckpointIO, read_checkpoint

log = logging.getLogger(__name__)


def check_threshold(model: object, datamodule: TableDataModule) -> None:
    """Check that the validation rows hold both classes, without which no threshold can be chosen.

    Raises:
        UsageError: where the validation rows do not hold both classes.
    """
    if not chooses(model):
        return
    classes = np.unique(datamodule.table.target[datamodule.split.val])
    if len(classes) < 2:
        found = datamodule.schema.class_names[classes[0]] if len(classes) else "none"
        raise UsageError(
            f"model.threshold=auto needs validation rows of both classes, got {found}; set data.val_fraction, or "
            "model.threshold to a number in (0, 1)"
        )


def choose_threshold(
    model: TaskModule, datamodule: TableDataModule, *, checkpoint: str | None = None, quiet: bool = False
) -> None:
    """Choose the threshold of trained weights and store it in their checkpoint; nothing where the threshold is given.

    Args:
        model: with the weights.
        datamodule: whose validation rows decide.
        checkpoint: of the weights; None where there is none.
        quiet: whether to log nothing.
    """
    if not chooses(model):
        return
    features, target = (column.to(model.device) for column in datamodule.rows("val"))
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        # In the batches of an evaluation, whose size decides on last digits.
        outputs = torch.cat([model(part) for part in torch.split(features, datamodule.eval_batch_size)])
        model.take_threshold(START)
        before = _balanced_accuracy(model, outputs, target)
        model.choose_threshold(outputs, target)
        after = _balanced_accuracy(model, outputs, target)
    model.train(was_training)
    if checkpoint is not None:
        contents = read_checkpoint(checkpoint)
        contents["state_dict"]["cut"] = model.state_dict()["cut"].cpu()
        AtomicCheckpointIO().save_checkpoint(contents, Path(checkpoint))
    if not quiet:
        log.info(
            "threshold: %.4g, chosen on %d validation rows, where balanced accuracy is %.4f; with 0.5 it is %.4f",
            model.threshold, len(target), after, before,
        )  # fmt: skip


def _balanced_accuracy(model: BinaryClassifier, outputs: torch.Tensor, target: torch.Tensor) -> float:
    metric = BalancedAccuracy(num_classes=2).to(outputs.device)
    metric.update(model.answers(outputs).labels, target)
    return float(metric.compute())


def chooses(model: object) -> TypeGuard[BinaryClassifier]:
    """Whether a model's threshold is chosen."""
    return isinstance(model, BinaryClassifier) and model.chooses_threshold
