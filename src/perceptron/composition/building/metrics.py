"""Build the metrics of the group ``metrics`` that are reported beside those of the task."""

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from perceptron.composition.building.instantiate import imported_class, instance
from perceptron.composition.settings.metrics_group import OF_TASK
from perceptron.composition.settings.parts import takeable
from perceptron.composition.settings.plain import plain
from perceptron.data import TableSchema
from perceptron.errors import UsageError, reason
from perceptron.metrics import InUnits
from perceptron.models.split_metrics import metric_inputs
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION, Task

_TRIAL_ROWS_PER_CLASS = 6


def check_metric_classes(cfg: Mapping[str, Any]) -> None:
    """Check the classes of the group, before the data is read.

    Raises:
        UsageError: for one that is no metric, or cannot be imported.
    """
    for name, part in cfg["metrics"].items():
        if part is not None and part["_target_"] != OF_TASK:
            _class(part["_target_"], f"metrics.{name}")


def metric_settings(cfg: Mapping[str, Any], *, task: Task, schema: TableSchema) -> dict[str, Any]:
    """Arguments of a model for what it reports; none where that is what its task reports.

    Args:
        cfg: the whole configuration, typed or plain.
        task: of the model.
        schema: of the data.

    Raises:
        UsageError: for a class that is no metric, cannot be made, or whose value is not one number.
    """
    group = {name: part for name, part in plain(cfg["metrics"]).items() if part is not None}
    own: dict[str, Metric | MetricCollection] = {
        name: _in_units(_metric(part, f"metrics.{name}", task=task, n_outputs=schema.n_outputs(task)), schema)
        for name, part in group.items()
        if part["_target_"] != OF_TASK
    }
    settings: dict[str, Any] = {"metrics": MetricCollection(own, compute_groups=False)} if own else {}
    return settings if len(own) < len(group) else settings | {"task_metrics": False}


def _in_units(metric: Metric, schema: TableSchema) -> Metric:
    return InUnits(metric, schema.target_offsets) if schema.target_offsets else metric


def _metric(part: dict[str, Any], key: str, *, task: Task, n_outputs: int) -> Metric:
    target = part["_target_"]
    takes, _ = takeable(target, key)
    if "task" in takes and task is REGRESSION and "task" not in part:
        raise UsageError(f"{key} needs classes, got {target} for a continuous target; leave {key} out")
    if "threshold" in part and task is BINARY:
        raise UsageError(
            f"{key} labels rows by the model's threshold, got {key}.threshold={part['threshold']}; "
            "set model.threshold instead"
        )
    of_data: dict[str, Any] = {"task": task.name}
    of_data |= {"num_classes": n_outputs} if task is MULTICLASS else {}
    of_data |= {"num_outputs": n_outputs} if task is REGRESSION else {}
    told = {name: value for name, value in of_data.items() if name in takes and name not in part}
    made = instance(part, key, **told)
    # Such as a part of one that is yet to be made, by _partial_.
    if not isinstance(made, Metric):
        raise UsageError(f"{key} must be a torchmetrics.Metric, got a {type(made).__name__}; change {key}")
    _try(made, key, target, task=task, n_outputs=n_outputs)
    return made


def _class(target: str, key: str) -> type[Metric]:
    kind = imported_class(target, key)
    if not issubclass(kind, Metric):
        raise UsageError(f"{key}._target_ must be a torchmetrics.Metric, got {target}; change {key}._target_")
    return kind


def _try(metric: Metric, key: str, target: str, *, task: Task, n_outputs: int) -> None:
    """Compute a metric of a few made-up rows: what it cannot do is said before training, not after an epoch."""
    try:
        tried = metric.clone()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tried.update(*metric_inputs(*_rows(task, n_outputs)))
            value = tried.compute()
    # Whatever it is, the metric says it of rows that any metric can be computed of.
    except Exception as error:
        raise UsageError(
            f"{key} must be a metric of {task.name} predictions, got from {target}: {reason(error, lines=1)}; "
            f"change or leave out {key}"
        ) from error
    first = value[0] if isinstance(value, tuple) and value else value
    shapes = [()] if task is not REGRESSION else [(), (n_outputs,)]
    if not isinstance(first, Tensor) or tuple(first.shape) not in shapes:
        shown = (
            f"{' x '.join(map(str, first.shape))} values" if isinstance(first, Tensor) else f"a {type(value).__name__}"
        )
        raise UsageError(f"{key} must be one number, got {shown} from {target}; change or leave out {key}")


def _rows(task: Task, n_outputs: int) -> tuple[Tensor, Tensor]:
    """Predictions and target of every class, or of several values of each target."""
    generator = torch.Generator().manual_seed(0)
    if task is REGRESSION:
        predictions, values = torch.rand(2, 12, n_outputs, generator=generator)
        return predictions, values
    n_classes = 2 if task is BINARY else n_outputs
    target = torch.arange(_TRIAL_ROWS_PER_CLASS * n_classes) % n_classes
    if task is BINARY:
        return torch.rand(len(target), generator=generator), target
    return torch.rand(len(target), n_classes, generator=generator).softmax(dim=1), target
