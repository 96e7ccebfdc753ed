"""A table in memory: features, a target, and the meaning of their columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron.tasks import BINARY, MULTICLASS, REGRESSION, Task

FloatArray = npt.NDArray[np.float32]
RowNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """The facts about the data that a model needs, in plain values.

    Attributes:
        task: name of the task, a key of ``perceptron.tasks.TASKS``.
        feature_names: one name per feature.
        class_names: one name per class in the order of the labels; empty for regression.
        target_names: one name per target column.
        encoding: how raw columns become features, a text each, see ``perceptron.data.columns.encoding``; empty if the
            features are the columns.
        feature_offsets: subtracted from each feature before it becomes float32, see ``perceptron.data.offsets``;
            empty for zeros.
        target_offsets: the same of each column of a continuous target.
    """

    task: str
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    target_names: tuple[str, ...]
    encoding: tuple[str, ...] = ()
    feature_offsets: tuple[float, ...] = ()
    target_offsets: tuple[float, ...] = ()

    @property
    def n_features(self) -> int:
        """Number of features."""
        return len(self.feature_names)

    @property
    def n_targets(self) -> int:
        """Number of target columns."""
        return len(self.target_names)

    def n_outputs(self, task: Task) -> int:
        """Number of values a network gives per row for a task: one logit, a logit per class, or a value per target."""
        return {BINARY: 1, MULTICLASS: len(self.class_names), REGRESSION: len(self.target_names)}[task]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Features and target as arrays.

    Attributes:
        features: ``(n_rows, n_features)`` float32 (float64 for training in double precision), less the schema's
            offsets.
        target: ``(n_rows,)`` int64 labels for classes, ``(n_rows, n_targets)`` of the features' type for regression,
            less the schema's offsets.
        schema: of the columns.
        weights: ``(n_rows,)`` of the features' type, at least 0: weights in training; None for equal weights.
        task_reason: why the task was chosen, to continue "the target ..."; empty if the task was set.
    """

    features: npt.NDArray[Any]
    target: npt.NDArray[Any]
    schema: TableSchema
    weights: npt.NDArray[Any] | None = None
    task_reason: str = ""

    def __len__(self) -> int:
        return len(self.features)
