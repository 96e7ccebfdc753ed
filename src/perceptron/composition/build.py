"""Plain objects of a configuration."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import lightning as L
import torch
from hydra.errors import InstantiationException
from hydra.utils import get_class
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch.callbacks import Checkpoint, ProgressBar
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, OmegaConf

from perceptron.callbacks import NoProfiler, leave_out_empty_hooks
from perceptron.composition.instance import Make, instance
from perceptron.composition.network import build_network
from perceptron.composition.settings.combinations import MODEL_TASKS
from perceptron.composition.settings.overrides import CONF_DIR
from perceptron.data import Scaling, TableDataModule, TableSchema
from perceptron.errors import UsageError
from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, Standardize, TaskModule
from perceptron.randomness import Stream, derive_seed
from perceptron.runs.checkpoint import WholeCheckpoints
from perceptron.runs.files import read_yaml
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION, TASKS, Task

# The base of all kinds, of which the data's task chooses one.
AUTO = "perceptron.models.TaskModule"


def plain(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the configuration as dicts, lists and plain values, interpolations resolved."""
    if not isinstance(cfg, DictConfig):
        return deepcopy(dict(cfg))
    values: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
    return values


def build_data(cfg: DictConfig, known: TableSchema | None = None) -> TableDataModule:
    """Data module of the group ``data``, its table read.

    Args:
        cfg: the group.
        known: what a trained model knows that the data is for; None to fit how columns become features.

    Raises:
        UsageError: where the data set cannot be made from its arguments.
    """
    datamodule: TableDataModule = instance(cfg, "data")
    # No argument of the target: Hydra would take a category named ${...} for an interpolation.
    datamodule.known = known
    try:
        datamodule.setup()
    except (TypeError, ValueError, OSError) as error:
        name = cfg.dataset.get("_target_", cfg._target_).rpartition(".")[2]
        reason = " ".join(str(error).split())
        raise UsageError(f"data.dataset must be what {name} takes, got: {reason}; change data.dataset") from error
    return datamodule


def build_model(
    cfg: Mapping[str, Any], datamodule: TableDataModule, *, chosen: Mapping[str, str], make: Make = instance
) -> TaskModule:
    """LightningModule for what a data module has read, with the standardisation that is fitted on its training rows.

    Args:
        cfg: the whole configuration, typed or plain.
        datamodule: set up.
        chosen: option of each group, for error messages.
        make: makes an object of its settings.

    Raises:
        UsageError: where the model does not fit the data.
    """
    return model_for(
        cfg,
        schema=datamodule.schema,
        features_scaling=datamodule.features_scaling,
        target_scaling=datamodule.target_scaling,
        chosen=chosen,
        make=make,
    )


def model_for(
    cfg: Mapping[str, Any],
    *,
    schema: TableSchema,
    features_scaling: Scaling,
    target_scaling: Scaling | None,
    chosen: Mapping[str, str],
    make: Make = instance,
) -> TaskModule:
    """LightningModule of the groups ``model``, ``optimizer`` and ``scheduler``, its weights drawn from ``seed``.

    Args:
        cfg: the whole configuration, typed or plain.
        schema: what the data is.
        features_scaling: to standardise features by.
        target_scaling: to standardise the target by; None for classes.
        chosen: option of each group, for error messages.
        make: makes an object of its settings.

    Raises:
        UsageError: where the model does not fit the data.
    """
    target, seed, scheduler = cfg["model"]["_target_"], cfg["seed"], cfg["scheduler"]
    task = TASKS[schema.task] if target == AUTO else _task_of(target)
    _check_fit(task, schema, chosen)
    # Of the CPU, where weights are drawn: the seed of all devices keeps a traceback for each, half a millisecond.
    torch.default_generator.manual_seed(derive_seed(seed, Stream.WEIGHTS))
    own = plain(cfg["model"])
    network = build_network(own.pop("network"), schema, n_outputs=schema.n_outputs(task), make=make)
    settings: dict[str, Any] = {
        "network": network,
        "standardize": Standardize(features_scaling.mean, features_scaling.scale),
        "optimizer": make(cfg["optimizer"], "optimizer"),
        "schedule": make(scheduler, "scheduler") if scheduler["_target_"] else None,
        "seed": seed,
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
    model: TaskModule = make(own, "model", **settings, _recursive_=False)
    return model


def build_optimizer(model: TaskModule, settings: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Optimizer of a model.

    Args:
        model: by ``build_model``.
        settings: plain ones of the group ``optimizer``, for messages.

    Raises:
        UsageError: where they are none that its class takes, or it is none of torch's.
    """
    name = settings["_target_"]
    try:
        optimizer = model.optimizer(model.parameters())
    except (TypeError, ValueError) as error:
        raise UsageError(f"optimizer must be what {name} takes, got: {error}; change optimizer") from error
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise UsageError(f"optimizer must be what {name} takes, got no Optimizer of torch; change optimizer._target_")
    return optimizer


def build_schedule(
    model: TaskModule,
    optimizer: torch.optim.Optimizer,
    settings: Mapping[str, Any],
    *,
    max_epochs: int,
    total_steps: int,
) -> dict[str, Any] | None:
    """Learning-rate schedule of a model's optimizer, in Lightning's form; None for a constant rate.

    Args:
        model: by ``build_model``.
        optimizer: by ``build_optimizer``.
        settings: plain ones of the group ``scheduler``, for messages.
        max_epochs: of the training.
        total_steps: of the training.

    Raises:
        UsageError: where they are none that it takes, or it gives no schedule.
    """
    if model.schedule is None:
        return None
    name = settings["_target_"]
    try:
        schedule = model.schedule(optimizer, max_epochs=max_epochs, total_steps=total_steps)
    # Hydra refuses some targets only when they are called.
    except (TypeError, ValueError, InstantiationException) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"scheduler must be what {name} takes, got: {reason}; change scheduler") from error
    if not isinstance(schedule, Mapping) or "scheduler" not in schedule:
        raise UsageError(
            f"scheduler must give a schedule in Lightning's form, got {type(schedule).__name__} from {name}; change "
            "scheduler._target_ to one like those in perceptron.models.schedules"
        )
    return dict(schedule)


def build_trainer(cfg: DictConfig, own_callbacks: Sequence[L.Callback], *, quiet: bool = False) -> L.Trainer:
    """Trainer with the callbacks and loggers of a configuration.

    Args:
        cfg: the whole configuration.
        own_callbacks: callbacks that every run has, whatever its configuration.
        quiet: whether to leave out progress bars.

    Raises:
        UsageError: where this machine has not what ``trainer`` asks for.
    """
    check_device(cfg.trainer.accelerator)
    callbacks: list[L.Callback] = [*_instances(cfg.callbacks, "callbacks", L.Callback), *own_callbacks]
    loggers = build_loggers(cfg.logger)
    trainer = cfg.trainer
    if trainer.barebones:
        callbacks, loggers = [], []
    has_bar = any(isinstance(callback, ProgressBar) for callback in callbacks)
    if trainer.enable_progress_bar is False or quiet:
        callbacks = [callback for callback in callbacks if not isinstance(callback, ProgressBar)]
    if trainer.enable_checkpointing is False:
        callbacks = [callback for callback in callbacks if not isinstance(callback, Checkpoint)]
    defaults = {
        "callbacks": callbacks,
        "logger": loggers or False,
        "enable_progress_bar": not quiet
        and (has_bar if trainer.enable_progress_bar is None else trainer.enable_progress_bar),
        "enable_checkpointing": any(isinstance(callback, Checkpoint) for callback in callbacks),
        "default_root_dir": trainer.default_root_dir or cfg.paths.output_dir,
    }
    settings = {key: value for key, value in plain(trainer).items() if key != "num_threads"}
    settings |= {} if trainer.barebones else defaults
    settings["plugins"] = _plugins(trainer.plugins)
    if trainer.profiler is None:
        settings["profiler"] = NoProfiler()
    if trainer.barebones:
        settings = {key: value for key, value in settings.items() if key not in _NOT_BAREBONES}
    leave_out_empty_hooks(callbacks)
    built: L.Trainer = instance(settings, "trainer")
    return built


_NOT_BAREBONES = (
    "log_every_n_steps", "enable_checkpointing", "enable_progress_bar", "enable_model_summary", "num_sanity_val_steps",
    "fast_dev_run", "detect_anomaly", "profiler",
)  # fmt: skip


def build_loggers(group: DictConfig | Mapping[str, Any], make: Make = instance) -> list[Logger]:
    """Loggers of the group ``logger``, each by ``make``."""
    return _instances(group, "logger", Logger, make)


def check_device(accelerator: str) -> None:
    """Refuse an accelerator that this machine has not.

    Raises:
        UsageError: with what to type instead.
    """
    has_cuda, has_mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    missing = (
        (accelerator == "cuda" and not has_cuda)
        or (accelerator == "mps" and not has_mps)
        or (accelerator == "gpu" and not (has_cuda or has_mps))
    )
    if missing:
        raise UsageError(
            f"trainer.accelerator={accelerator} needs a device that this machine has not; "
            "type trainer.accelerator=cpu, or auto to take the best there is"
        )


def _task_of(target: str) -> Task:
    """Task of a model's class, which may be a user's own subclass."""
    try:
        kind = get_class(target)
    except (ImportError, ValueError) as error:
        raise UsageError(f"model._target_ must be a class that can be imported, got {target}") from error
    for base, task in (
        (BinaryClassifier, BINARY),
        (MulticlassClassifier, MULTICLASS),
        (Regressor, REGRESSION),
    ):
        if issubclass(kind, base):
            return task
    raise UsageError(f"model._target_ must be a BinaryClassifier, MulticlassClassifier or Regressor, got {target}")


def _instances(group: DictConfig | Mapping[str, Any], name: str, kind: type, make: Make = instance) -> list[Any]:
    made = {f"{name}.{key!s}": make(part, f"{name}.{key!s}") for key, part in group.items() if part is not None}
    for key, each in made.items():
        if not isinstance(each, kind):
            raise UsageError(f"{key} must be a {kind.__name__}, got {type(each).__name__}; change {key}._target_")
    return list(made.values())


def _plugins(wanted: Any) -> list[Any]:
    """The user's plugins; and one by which checkpoints are written whole, unless theirs writes them."""
    parts = [] if wanted is None else list(wanted) if OmegaConf.is_list(wanted) else [wanted]
    plugins = [instance(part, "trainer.plugins") if OmegaConf.is_dict(part) else part for part in parts]
    has_own = any(isinstance(plugin, CheckpointIO) for plugin in plugins)
    return plugins if has_own else [*plugins, WholeCheckpoints()]


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
        defaults = read_yaml(file.read_text()).get("defaults", [])
        for name, task in tasks.items():
            if f"/schema/model/{name}@_here_" in defaults and file.stem != "point":
                found[file.stem] = task
    return found
