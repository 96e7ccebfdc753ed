"""Build the model of a configuration for its data."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from perceptron.composition.building.instantiate import imported_class, instance
from perceptron.composition.building.metrics import metric_settings
from perceptron.composition.building.network import build_network
from perceptron.composition.building.optimizer import schedule_maker
from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.known_targets import AUTO, MODEL_TASKS
from perceptron.composition.settings.plain import plain
from perceptron.data import Scaling, TableDataModule, TableSchema
from perceptron.errors import UsageError
from perceptron.files.plain_values import read_yaml
from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, Standardize, TaskModule
from perceptron.randomness import Stream, derive_seed
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION, TASKS, Task


def build_model(cfg: Mapping[str, Any], datamodule: TableDataModule, *, chosen: Mapping[str, str]) -> TaskModule:
    """LightningModule for what a data module has read, with the standardisation that is fitted on its training rows.

    Args:
        cfg: the whole configuration, typed or plain.
        datamodule: set up.
        chosen: option of each group, for error messages.

    Raises:
        UsageError: where the model does not fit the data.
    """
    return model_for(
        cfg,
        schema=datamodule.schema,
        features_scaling=datamodule.features_scaling,
        target_scaling=datamodule.target_scaling,
        chosen=chosen,
    )


def own_data_model(cfg: Mapping[str, Any], schema: TableSchema, *, chosen: Mapping[str, str]) -> TaskModule:
    """LightningModule for a user's data module, which standardises its features itself.

    Args:
        cfg: the whole configuration, typed or plain.
        schema: what the data module tells of its rows.
        chosen: option of each group, for error messages.

    Raises:
        UsageError: where the model does not fit the data.
    """
    is_regression = schema.task == REGRESSION.name
    model = model_for(
        cfg,
        schema=schema,
        features_scaling=identity(schema.n_features),
        target_scaling=identity(schema.n_targets) if is_regression else None,
        chosen=chosen,
    )
    # Seeding the noise would seed the order of the rows too, which the data module draws from the same generator.
    model.seed = None
    return model


def model_for(
    cfg: Mapping[str, Any],
    *,
    schema: TableSchema,
    features_scaling: Scaling,
    target_scaling: Scaling | None,
    chosen: Mapping[str, str],
) -> TaskModule:
    """LightningModule of the groups ``model``, ``optimizer`` and ``scheduler``, its weights drawn from ``seed``.

    Args:
        cfg: the whole configuration, typed or plain.
        schema: what the data is.
        features_scaling: to standardise features by.
        target_scaling: to standardise the target by; None for classes.
        chosen: option of each group, for error messages.

    Raises:
        UsageError: where the model does not fit the data.
    """
    target, seed = cfg["model"]["_target_"], cfg["seed"]
    task = TASKS[schema.task] if target == AUTO else _task_of(target)
    _check_fit(task, schema, chosen)
    # Of the CPU, where weights are drawn: the seed of all devices keeps a traceback for each, half a millisecond.
    torch.default_generator.manual_seed(derive_seed(seed, Stream.WEIGHTS))
    own = plain(cfg["model"])
    network = build_network(own.pop("network"), schema, n_outputs=schema.n_outputs(task))
    settings: dict[str, Any] = {
        "network": network,
        "standardize": Standardize(features_scaling.mean, features_scaling.scale),
        "optimizer": instance(cfg["optimizer"], "optimizer"),
        "schedule": schedule_maker(plain(cfg["scheduler"])),
        "seed": seed,
        **metric_settings(cfg, task=task, schema=schema),
    }
    if target_scaling is not None:
        settings["standardize_target"] = Standardize(target_scaling.mean, target_scaling.scale)
    if target == AUTO:
        threshold = own.pop("threshold")
        if threshold is not None and task is not BINARY:
            raise UsageError(
                f"model.threshold needs two classes, got {threshold} for data={chosen.get('data')}, which has "
                f"{_has(schema)}; leave it out"
            )
        own |= {} if threshold is None else {"threshold": threshold}
        own["_target_"] = next(name for name, its_task in MODEL_TASKS.items() if its_task is task)
    model: TaskModule = instance(own, "model", **settings, _recursive_=False)
    return model


def identity(n_columns: int) -> Scaling:
    """The standardisation that changes nothing."""
    return Scaling(mean=np.zeros(n_columns), scale=np.ones(n_columns))


def _task_of(target: str) -> Task:
    """Task of a model's class, which may be a user's own subclass."""
    kind: Any = imported_class(target, "model")
    bases = ((BinaryClassifier, BINARY), (MulticlassClassifier, MULTICLASS), (Regressor, REGRESSION))
    task = next((task for base, task in bases if issubclass(kind, base)), None)
    if task is None:
        raise UsageError(f"model._target_ must be a BinaryClassifier, MulticlassClassifier or Regressor, got {target}")
    if kind.forward is not TaskModule.forward and kind.training_step is TaskModule.training_step:
        raise UsageError(
            f"a model that overrides forward must override training_step too, which does not call it, got {target}; or "
            "put what it does into model.network"
        )
    return task


def _check_fit(task: Task, schema: TableSchema, chosen: Mapping[str, str]) -> None:
    fits = {
        BINARY: schema.task == BINARY.name,
        MULTICLASS: schema.task in (BINARY.name, MULTICLASS.name),
        REGRESSION: schema.task == REGRESSION.name,
    }
    if fits[task]:
        return
    fitting = [name for name, its_task in _models_by_task().items() if fits[its_task]]
    raise UsageError(
        f"model={chosen.get('model')} needs {task.needs}, data={chosen.get('data')} has {_has(schema)}; "
        f"type one of {', '.join(f'model={name}' for name in fitting)}"
    )


def _has(schema: TableSchema) -> str:
    return f"{len(schema.class_names)} classes" if schema.class_names else "a continuous target"


def _models_by_task() -> dict[str, Task]:
    """Task of each configured model, by the schema that its YAML names."""
    tasks = {"binary": BINARY, "multiclass": MULTICLASS, "regression": REGRESSION}
    found = {}
    for file in sorted((CONF_DIR / "model").glob("*.yaml")):
        defaults = read_yaml(file.read_text(encoding="utf-8")).get("defaults", [])
        for name, task in tasks.items():
            if f"/schema/model/{name}@_here_" in defaults and file.stem != "point":
                found[file.stem] = task
    return found
