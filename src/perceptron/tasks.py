"""The three kinds of task, and the names of the metrics that each reports. Imports nothing heavy."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["min", "max"]
SplitName = Literal["train", "val", "test"]


@dataclass(frozen=True, eq=False)
class Task:
    """A kind of task.

    Attributes:
        name: ``binary``, ``multiclass`` or ``regression``.
        needs: what the target must look like, in words for an error message.
        metrics: names of the reported metrics, each with the direction in which it gets better.
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
    """Direction in which a logged metric such as ``val/acc`` improves; None where the name is none of ours."""
    metric = monitor.rpartition("/")[2]
    return next((task.metrics[metric] for task in TASKS.values() if metric in task.metrics), None)
