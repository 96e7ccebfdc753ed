"""A model's predictions for the rows of a split, in the units of the table."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from perceptron.data import TableDataModule, TableSchema
from perceptron.data.offsets import added
from perceptron.models import TaskModule
from perceptron.tasks import SplitName

_IN_WORDS = {"train": "training rows", "val": "validation rows", "test": "test rows"}
# More points do not show in a figure, and a copy of all rows of a large table would not fit into memory.
MOST_ROWS = 100_000


@dataclass(frozen=True, kw_only=True)
class SplitPredictions:
    """Rows and the model's predictions for them.

    Attributes:
        rows: which rows, in words, such as ``test rows``.
        row_numbers: ``(n_rows,)`` in the table.
        features: ``(n_rows, n_features)`` in the table's units.
        target: ``(n_rows,)`` classes, or ``(n_rows, n_targets)`` values in the table's units.
        labels: predictions in the form of ``target``.
        probabilities: ``(n_rows, n_classes)``; None for regression.
        schema: names and types of the columns.
    """

    rows: str
    row_numbers: npt.NDArray[np.int64]
    features: npt.NDArray[Any]
    target: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    probabilities: npt.NDArray[np.float32] | None
    schema: TableSchema


def held_out_split(datamodule: TableDataModule, *, tested: bool) -> SplitName:
    """The split that says most about new rows: test rows if they are used, else validation rows, else training rows."""
    split = datamodule.split
    if tested and len(split.test):
        return "test"
    return "val" if len(split.val) else "train"


def predict_split(model: TaskModule, datamodule: TableDataModule, split: SplitName) -> SplitPredictions:
    """Predict the rows of a split, at most ``MOST_ROWS`` of them, in evaluation mode on the model's device."""
    features, target = datamodule.rows(split, most=MOST_ROWS)[:2]
    schema, n_rows = datamodule.schema, len(datamodule.split.rows(split))
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            parts = [model.predict(part.to(model.device)) for part in torch.split(features, datamodule.eval_batch_size)]
    finally:
        model.train(was_training)
    labels = torch.cat([part.labels for part in parts])
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    return SplitPredictions(
        rows=_IN_WORDS[split] if len(features) == n_rows else f"{len(features)} of {n_rows} {_IN_WORDS[split]}",
        row_numbers=datamodule.row_numbers(split, most=MOST_ROWS),
        features=added(features.numpy(), schema.feature_offsets),
        target=added(target.numpy(), schema.target_offsets),
        labels=added((labels.float() if labels.is_floating_point() else labels).cpu().numpy(), schema.target_offsets),
        probabilities=torch.cat(probabilities).float().cpu().numpy() if probabilities else None,
        schema=schema,
    )
