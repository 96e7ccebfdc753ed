"""The three tasks, and the metrics that each reports. Imports nothing heavy."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["min", "max"]
SplitName = Literal["train", "val", "test"]


@dataclass(frozen=True, eq=False)
class Task:
    """A task.

    Attributes:
        name: ``binary``, ``multiclass`` or ``regression``.
        needs: the form of the target, for error messages.
        metrics: names of the reported metrics, each with the direction in which it improves.
    """

    name: str
    needs: str
    metrics: dict[str, Direction]


_CLASSIFICATION: dict[str, Direction] = {
    "loss": "min",
    "acc": "max",
    "balanced_acc": "max",
    "auroc": "max",
    "average_precision": "max",
    "f1": "max",
    "log_loss": "min",
    "ece": "min",
}

BINARY = Task("binary", "two classes", _CLASSIFICATION)
MULTICLASS = Task("multiclass", "two or more classes", _CLASSIFICATION)
REGRESSION = Task("regression", "a continuous target", {"loss": "min", "rmse": "min", "mae": "min", "r2": "max"})
TASKS = {task.name: task for task in (BINARY, MULTICLASS, REGRESSION)}


def direction_of(monitor: str) -> Direction | None:
    """Direction in which a metric such as ``val/acc`` improves; None if it is not a metric of any task."""
    metric = monitor.rpartition("/")[2]
    return next((task.metrics[metric] for task in TASKS.values() if metric in task.metrics), None)
