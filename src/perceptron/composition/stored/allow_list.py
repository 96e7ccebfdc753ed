"""The allow-list of classes and functions that a stored configuration may name.

Hydra calls whatever a ``_target_`` names, and its own list of forbidden names is no security boundary. Therefore each
``_target_`` in a configuration that comes from a file must be on this list, before anything is built.
"""

import re
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any

import lightning as L
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import nn, optim
from torchmetrics import Metric

from perceptron.errors import UsageError
from perceptron.files.plain_values import nested_values

# Names are looked up in modules only, never through attributes: torch.optim.sgd.torch.hub.load is no class of
# torch.optim.
_OWN = re.compile(r"(perceptron(?:\.[a-z_]+)+)\.([A-Za-z]\w*)")
_OPTIMIZER = re.compile(r"(torch\.optim(?:\.lr_scheduler)?)\.([A-Z]\w*)")
_LIGHTNING = re.compile(
    r"(lightning(?:\.pytorch)?(?:\.(?:callbacks|loggers|plugins|profilers|strategies))?)\.([A-Z]\w*)"
)
# Lightning's other loggers connect to servers that their arguments name.
_LOCAL_LOGGERS = (CSVLogger, TensorBoardLogger)
# Metrics for classification and regression; other metrics of torchmetrics load models.
_METRIC = re.compile(r"(torchmetrics(?:\.(?:classification|regression))?)\.([A-Z]\w*)")
_METRIC_MODULES = ("torchmetrics.classification.", "torchmetrics.regression.")
_PRUNER = re.compile(r"(optuna\.pruners)\.([A-Z]\w*Pruner)")
_DATASET = re.compile(r"(sklearn\.datasets)\.((?:load|fetch|make)_\w+)")
# Downloads a file to any path.
_NO_DATASETS = ("fetch_file",)
# scikit-learn unpickles what it finds in a data_home.
_FORBIDDEN_ARGUMENTS = ("data_home",)
_OWN_FUNCTIONS = (
    "perceptron.data.origin", "perceptron.data.table_from_arrays", "perceptron.data.table_from_files",
    "perceptron.models.schedules.cosine", "perceptron.models.schedules.onecycle",
    "perceptron.models.schedules.plateau",
)  # fmt: skip
_OWN_CLASSES = (nn.Module, L.Callback, L.LightningDataModule, Logger)


def check_trusted(config: Mapping[str, Any], *, where: str, trust: Collection[str] = ()) -> None:
    """Check that a configuration from a file names nothing but what the allow-list holds.

    Args:
        config: plain values.
        where: the file, for messages.
        trust: names that the user adds to the list.

    Raises:
        UsageError: for the names that are not on the list, and the first interpolation.
    """
    refused: dict[str, None] = {}
    for _, value in nested_values(config):
        texts = [value] if isinstance(value, str) else [*value] if isinstance(value, dict) else []
        for text in texts:
            if "${" in str(text):
                raise UsageError(
                    f"a stored configuration must hold plain values, got {text} in {where}; restore the file"
                )
        target = value.get("_target_") if isinstance(value, dict) else None
        if target is None or (isinstance(target, str) and target in trust):
            continue
        if isinstance(target, str) and is_allowed(target):
            _check_arguments(target, value, where=where)
        else:
            refused[str(target)] = None
    if refused:
        raise UsageError(
            f"a stored configuration must not name code that is not the project's, got _target_: "
            f"{' and '.join(refused)} in {where}; if you know {'it' if len(refused) == 1 else 'them'}, type "
            f"'trust=[{','.join(refused)}]'"
        )


def _check_arguments(target: str, arguments: Mapping[Any, Any], *, where: str) -> None:
    named = [key for key in ("_args_", *_FORBIDDEN_ARGUMENTS) if key in arguments]
    if named:
        raise UsageError(
            f"a stored configuration must not set {named[0]} of {target}, got it in {where}; "
            f"if you know it, type 'trust=[{target}]'"
        )
    # Without _partial_ it is called while the configuration is built, before anything can prevent the download.
    if is_downloaded(target) and arguments.get("_partial_") is not True:
        raise UsageError(
            f"a stored configuration must not download while it is built, got {target} without _partial_ in {where}; "
            f"if you know it, type 'trust=[{target}]'"
        )


def is_downloaded(target: Any) -> bool:
    """Whether a target is a data set that scikit-learn downloads."""
    return isinstance(target, str) and target.startswith("sklearn.datasets.fetch_")


def is_allowed(target: str) -> bool:
    """Whether a name is on the list: own and Lightning's parts, optimizers, metrics, pruners, data sets."""
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
    # import_module accepts only modules, not attributes of modules.
    try:
        return vars(import_module(module)).get(name)
    except ImportError:
        return None


def _is_own(found: Any) -> bool:
    return isinstance(found, type) and found.__module__.startswith("perceptron.") and issubclass(found, _OWN_CLASSES)
