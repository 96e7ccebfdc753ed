"""The group ``metrics``: names, and the direction in which each metric improves. Imports nothing heavy by itself."""

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from perceptron import tasks
from perceptron.composition.building.instantiate import imported_class
from perceptron.errors import UsageError
from perceptron.tasks import TASKS, Direction, Task

# What reports the metrics of a task under their own names.
OF_TASK = "perceptron.metrics.TaskMetrics"
_NAME = re.compile(r"[A-Za-z]\w*")
# The names that runs give values of their own: a chosen threshold stands with the metrics of validation rows.
_TAKEN = ("loss", "threshold")


def check_metrics(metrics: Mapping[str, Any]) -> None:
    """Check the group without its classes.

    Raises:
        UsageError: for an entry that is none, or a name that cannot be or is taken.
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
    """Names that are reported with the loss, in runs of any of these tasks."""
    found = ["loss"]
    for name, part in metrics.items():
        if _target(part) == OF_TASK:
            found += [metric for task in of_tasks for metric in task.metrics]
        elif part is not None:
            found.append(str(name))
    return list(dict.fromkeys(found))


def direction_of(monitor: str, metrics: Mapping[str, Any] | None = None) -> Direction | None:
    """Direction in which a logged metric such as ``val/acc`` improves: by our table, or as its class says.

    Args:
        monitor: name of the metric.
        metrics: the group, whose class of that name is imported to be asked.

    Returns:
        None where neither says it.
    """
    name = monitor.rpartition("/")[2]
    target = _target((metrics or {}).get(name))
    if target is None or target == OF_TASK:
        return tasks.direction_of(monitor)
    try:
        higher: bool | None = _higher_is_better(imported_class(target, f"metrics.{name}"))
    except UsageError:
        # An interpolation would wrap it. check_monitored_class raises it.
        return None
    return None if higher is None else "max" if higher else "min"


def check_monitored_class(monitor: str, metrics: Mapping[str, Any]) -> None:
    """Check that the class of a monitored metric can be imported: it is asked for the direction.

    Raises:
        UsageError: if it cannot.
    """
    name = monitor.rpartition("/")[2]
    if (target := _target(metrics.get(name))) is not None:
        imported_class(target, f"metrics.{name}")


def _higher_is_better(kind: type) -> bool | None:
    """What a class says; of torchmetrics' classes that stand for one of each task, what all of these say."""
    if (said := getattr(kind, "higher_is_better", None)) is not None:
        return bool(said)
    module = vars(sys.modules[kind.__module__])
    kinds = [module[name] for task in ("Binary", "Multiclass") if (name := f"{task}{kind.__name__}") in module]
    of_kinds = {getattr(each, "higher_is_better", None) for each in kinds}
    return of_kinds.pop() if len(of_kinds) == 1 else None


def _target(part: Any) -> Any:
    return part.get("_target_") if isinstance(part, Mapping) else None
