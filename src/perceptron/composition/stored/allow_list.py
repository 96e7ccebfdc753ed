"""What a stored configuration may name to be built: an allow-list, for a file is no reason to run code.

Hydra builds whatever a ``_target_`` names, and its own list of forbidden names is no boundary. So each ``_target_`` of
a configuration that was read from a disk must be found here, before any of it is built.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import Any

import lightning as L
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import nn, optim
from torchmetrics import Metric

from perceptron.errors import UsageError

# A name is looked up in a module itself, never through attributes: torch.optim.sgd.torch.hub.load is no class of
# torch.optim.
_OWN = re.compile(r"(perceptron(?:\.[a-z_]+)+)\.([A-Za-z]\w*)")
_OPTIMIZER = re.compile(r"(torch\.optim(?:\.lr_scheduler)?)\.([A-Z]\w*)")
_LIGHTNING = re.compile(
    r"(lightning(?:\.pytorch)?(?:\.(?:callbacks|loggers|plugins|profilers|strategies))?)\.([A-Z]\w*)"
)
# Lightning's other loggers connect to servers that their arguments name.
_LOCAL_LOGGERS = (CSVLogger, TensorBoardLogger)
# Metrics of classes and of values: others of torchmetrics load models.
_METRIC = re.compile(r"(torchmetrics(?:\.(?:classification|regression))?)\.([A-Z]\w*)")
_METRIC_MODULES = ("torchmetrics.classification.", "torchmetrics.regression.")
_PRUNER = re.compile(r"(optuna\.pruners)\.([A-Z]\w*Pruner)")
_DATASET = re.compile(r"(sklearn\.datasets)\.((?:load|fetch|make)_\w+)")
# Writes what an address holds to any path.
_NO_DATASETS = ("fetch_file",)
# scikit-learn unpickles what it finds in a data_home.
_FORBIDDEN_ARGUMENTS = ("data_home",)
_OWN_FUNCTIONS = (
    "perceptron.data.origin", "perceptron.data.table_from_arrays", "perceptron.data.table_from_files",
    "perceptron.models.schedules.cosine", "perceptron.models.schedules.onecycle",
    "perceptron.models.schedules.plateau",
)  # fmt: skip
_OWN_CLASSES = (nn.Module, L.Callback, L.LightningDataModule, Logger)
# A hundred times what a run stores: a small YAML file can unfold to any size, or hold itself.
_MOST_VALUES = 50_000


def check_trusted(config: Any, *, where: str, trust: Collection[str] = ()) -> None:
    """Check a configuration of plain values that comes from a file.

    Args:
        config: mappings, lists and plain values.
        where: the file, for messages.
        trust: names that the user adds to the list on purpose.

    Raises:
        UsageError: where it names what is not on the list, holds an interpolation, or is no configuration.
    """
    for value in _values(config, where):
        if isinstance(value, str):
            if "${" in value:
                raise UsageError(
                    f"a stored configuration must hold plain values, got {value} in {where}; restore the file"
                )
        elif isinstance(value, Mapping):
            target = value.get("_target_")
            if target is not None:
                _check_target(target, value, where=where, trust=trust)
        elif not isinstance(value, bool | int | float | list | None):
            raise UsageError(
                f"a stored configuration must hold plain values, got a {type(value).__name__} in {where}; "
                "restore the file"
            )


def _values(config: Any, where: str) -> Iterator[Any]:
    """Every value at any depth, keys included."""
    left = [config]
    seen = 0
    while left:
        value = left.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise UsageError(
                f"a stored configuration must hold at most {_MOST_VALUES} values, got more in {where}; restore the file"
            )
        yield value
        if isinstance(value, Mapping):
            left += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            left += value


def _check_target(target: Any, arguments: Mapping[Any, Any], *, where: str, trust: Collection[str]) -> None:
    if target in trust:
        return
    if not isinstance(target, str) or not is_allowed(target):
        raise UsageError(
            f"a stored configuration must not name code that is not the project's, got _target_: {target} in {where}; "
            f"if you know it, type 'trust=[{target}]'"
        )
    named = [key for key in ("_args_", *_FORBIDDEN_ARGUMENTS) if key in arguments]
    if named:
        raise UsageError(
            f"a stored configuration must not set {named[0]} of {target}, got it in {where}; "
            f"if you know it, type 'trust=[{target}]'"
        )
    # Called while the configuration is built, it would download before anything could forbid it.
    if is_downloaded(target) and arguments.get("_partial_") is not True:
        raise UsageError(
            f"a stored configuration must not download while it is built, got {target} without _partial_ in {where}; "
            f"if you know it, type 'trust=[{target}]'"
        )


def is_downloaded(target: Any) -> bool:
    """Whether a target is a data set that scikit-learn downloads."""
    return isinstance(target, str) and target.startswith("sklearn.datasets.fetch_")


def is_allowed(target: str) -> bool:
    """Whether the list holds a name: the project's own parts, optimizers, Lightning's, metrics, pruners, data sets."""
    if target in _OWN_FUNCTIONS:
        return True
    if named := _OWN.fullmatch(target):
        return _is_own(_found(*named.groups()))
    if named := _OPTIMIZER.fullmatch(target):
        found = _found(*named.groups())
        return isinstance(found, type) and issubclass(found, optim.Optimizer | optim.lr_scheduler.LRScheduler)
    if named := _LIGHTNING.fullmatch(target):
        found = _found(*named.groups())
        is_lightnings = isinstance(found, type) and found.__module__.startswith("lightning.")
        return is_lightnings and (not issubclass(found, Logger) or found in _LOCAL_LOGGERS)
    if named := _METRIC.fullmatch(target):
        found = _found(*named.groups())
        return isinstance(found, type) and issubclass(found, Metric) and found.__module__.startswith(_METRIC_MODULES)
    if named := _PRUNER.fullmatch(target):
        return isinstance(_found(*named.groups()), type)
    return (named := _DATASET.fullmatch(target)) is not None and named[2] not in _NO_DATASETS


def _found(module: str, name: str) -> Any:
    # import_module takes modules alone: it does not reach through the attributes of one.
    try:
        return vars(import_module(module)).get(name)
    except ImportError:
        return None


def _is_own(found: Any) -> bool:
    return isinstance(found, type) and found.__module__.startswith("perceptron.") and issubclass(found, _OWN_CLASSES)
