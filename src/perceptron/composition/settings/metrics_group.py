"""The group ``metrics``: names of metrics, and the direction in which each improves. Imports only metric classes."""

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from perceptron import tasks
from perceptron.composition.building.instantiate import imported_class
from perceptron.errors import UsageError
from perceptron.tasks import TASKS, Direction, Task

# Reports the metrics of the data's task under their own names.
OF_TASK = "perceptron.metrics.TaskMetrics"
_NAME = re.compile(r"[A-Za-z]\w*")
# Names of other values that runs report: a chosen threshold stands with the metrics of validation rows.
_TAKEN = ("loss", "threshold")


def check_metrics(metrics: Mapping[str, Any]) -> None:
    """Check the names of the group and that each has a ``_target_``, without importing the classes.

    Raises:
        UsageError: for an entry without a ``_target_``, or a name that is not allowed or reported anyway.
    """
    reports_task = any(_target(part) == OF_TASK for part in metrics.values())
    taken = {*_TAKEN, *(name for task in TASKS.values() for name in task.metrics if reports_task)}
    for name, part in metrics.items():
        if part is None:
            continue
        if not isinstance(_target(part), str):
            raise UsageError(f"metrics.{name!s} must be settings with a _target_, or null, got {part}; change it")
        if _NAME.fullmatch(str(name)) is None:
            raise UsageError(f"a metric's name must be letters, digits and _, got metrics.{name!s}; choose another")
        if name in taken and _target(part) != OF_TASK:
            raise UsageError(f"metrics.{name} has the name of a metric that is reported anyway; choose another name")


def reported_names(metrics: Mapping[str, Any], of_tasks: Iterable[Task]) -> list[str]:
    """The names of the loss and of the metrics that runs of any of these tasks report."""
    found = ["loss"]
    for name, part in metrics.items():
        if _target(part) == OF_TASK:
            found += [metric for task in of_tasks for metric in task.metrics]
        elif part is not None:
            found.append(str(name))
    return list(dict.fromkeys(found))


def direction_of(monitor: str, metrics: Mapping[str, Any] | None = None) -> Direction | None:
    """Direction in which a logged metric such as ``val/acc`` improves, by its name or by its class.

    Args:
        monitor: name of the metric.
        metrics: the group; its class of that name is imported for its attribute ``higher_is_better``.

    Returns:
        None where the direction is unknown.
    """
    name = monitor.rpartition("/")[2]
    target = _target((metrics or {}).get(name))
    if target is None or target == OF_TASK:
        return tasks.direction_of(monitor)
    try:
        higher: bool | None = _higher_is_better(imported_class(target, f"metrics.{name}"))
    except UsageError:
        # Raised by check_monitored_class, outside the interpolation that calls this.
        return None
    return None if higher is None else "max" if higher else "min"


def check_monitored_class(monitor: str, metrics: Mapping[str, Any]) -> None:
    """Check that the class of a monitored metric, which tells the direction, can be imported.

    Raises:
        UsageError: where it cannot.
    """
    name = monitor.rpartition("/")[2]
    if (target := _target(metrics.get(name))) is not None:
        imported_class(target, f"metrics.{name}")


def _higher_is_better(kind: type) -> bool | None:
    """The attribute of a class; for a wrapper of torchmetrics such as ``Accuracy``, that of its classes for tasks."""
    if (said := getattr(kind, "higher_is_better", None)) is not None:
        return bool(said)
    module = vars(sys.modules[kind.__module__])
    kinds = [module[name] for task in ("Binary", "Multiclass") if (name := f"{task}{kind.__name__}") in module]
    of_kinds = {getattr(each, "higher_is_better", None) for each in kinds}
    return of_kinds.pop() if len(of_kinds) == 1 else None


def _target(part: Any) -> Any:
    return part.get("_target_") if isinstance(part, Mapping) else None
