"""Which values of different settings do not go together. Imports nothing heavy."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perceptron.composition.settings.metrics import check_metrics, reported_names
from perceptron.composition.settings.monitors import check_monitors
from perceptron.errors import UsageError
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION, TASKS, Task

MODEL_TASKS: dict[str, Task] = {
    "perceptron.models.BinaryClassifier": BINARY,
    "perceptron.models.MulticlassClassifier": MULTICLASS,
    "perceptron.models.Regressor": REGRESSION,
}
# What holds a model of scikit-learn in the place of a network.
ESTIMATOR = "perceptron.models.Estimator"
# The base of all kinds, of which the data's task chooses one.
AUTO = "perceptron.models.TaskModule"
# Their length is part of their state.
OF_FIXED_LENGTH = ("perceptron.models.schedules.cosine", "perceptron.models.schedules.onecycle")
_DATASET = re.compile(r"sklearn\.datasets\.(\w+)")


def check_combinations(values: Mapping[str, Any], *, trains: bool = True) -> None:
    """Check a resolved configuration, typed or plain, whose single values are in their ranges.

    Args:
        values: the whole configuration.
        trains: whether a run is started with it. What a finished run monitored, and the checkpoint that it started
            from, mean nothing to a command that only reads it.

    Raises:
        UsageError: for the first values that do not go together.
    """
    _check_fractions(values["data"])
    _check_choices(values["data"], values["model"])
    _check_dataset(values["data"])
    check_metrics(values["metrics"])
    if trains:
        check_monitors(values, _logged_names(values))
        _check_training(values)


def _check_fractions(data: Mapping[str, Any]) -> None:
    folds, fold = data["folds"], data["fold"]
    if (folds is None) != (fold is None):
        raise UsageError(
            f"data.folds and data.fold go together, got data.folds={folds} and data.fold={fold}; set both or none"
        )
    if folds is not None and fold >= folds:
        raise UsageError(f"data.fold must be below data.folds={folds}, got {fold}; the folds are numbered from 0")
    val_fraction, test_fraction = data["val_fraction"], data["test_fraction"]
    if val_fraction + (test_fraction if folds is None else 1 / folds) >= 1:
        raise UsageError(
            "data.val_fraction + data.test_fraction must be below 1, so that training rows are left, got "
            f"{val_fraction} + {test_fraction}; lower one of them"
        )


def _check_choices(data: Mapping[str, Any], model: Mapping[str, Any]) -> None:
    """Refuse what asks for rows that there are not, or for the same twice."""
    if model.get("threshold") == "auto" and data["val_fraction"] == 0:
        raise UsageError(
            "model.threshold=auto is chosen on validation rows, got data.val_fraction=0; set data.val_fraction above "
            "0, or model.threshold to a number in (0, 1)"
        )
    network = model.get("network") or {}
    if network.get("category_width") is not None and network.get("categories") == "one_hot":
        raise UsageError(
            f"model.network.category_width is that of embeddings, got {network['category_width']} beside "
            "model.network.categories=one_hot; set model.network.categories=embedding"
        )
    if data["class_weights"] == data["sampling"] == "balanced":
        raise UsageError(
            "data.class_weights and data.sampling must not both be balanced, got both: rare classes would count twice; "
            "leave one of them out"
        )
    if data["sampling"] == "balanced" and model["_target_"] == ESTIMATOR:
        raise UsageError(
            "data.sampling=balanced draws the rows of every epoch, got a model of scikit-learn, which is fitted to "
            "all rows at once; set data.class_weights=balanced"
        )


def _check_dataset(data: Mapping[str, Any]) -> None:
    for name, without in (("num_workers", 0), ("block_size", None)):
        if data["on_device"] is True and data[name] != without:
            raise UsageError(
                f"data.on_device=true takes batches from the whole table on the device, got data.{name}={data[name]} "
                "beside it; leave one of them out"
            )
    if data["block_size"] is not None and data["sampling"] == "balanced":
        raise UsageError(
            f"data.sampling=balanced draws rows of the whole table, got data.block_size={data['block_size']} beside "
            "it; leave one of them out, or set data.class_weights=balanced"
        )
    target = str(data["dataset"].get("_target_"))
    named = _DATASET.fullmatch(target)
    # fetch_file writes whatever an address holds, and gives a path.
    if named and (not named[1].startswith(("load_", "fetch_", "make_")) or named[1] == "fetch_file"):
        raise UsageError(
            f"data.dataset._target_ must be a load_*, fetch_* or make_* function of sklearn.datasets, got {target}; "
            "name one that yields a table and a target"
        )


def _logged_names(values: Mapping[str, Any]) -> set[str] | None:
    """Names that a run can monitor; None where a class of the user's, a model or a callback, may log others."""
    callbacks = (str(part["_target_"]) for part in values["callbacks"].values() if isinstance(part, Mapping))
    if not all(target.startswith(("perceptron.", "lightning.")) for target in callbacks):
        return None
    target = values["model"]["_target_"]
    if target in (AUTO, ESTIMATOR):
        tasks = [*TASKS.values()]
    elif target in MODEL_TASKS:
        tasks = [MODEL_TASKS[target]]
    else:
        return None
    reported = reported_names(values["metrics"], tasks)
    # Of the training rows, runs of networks log after every epoch what their steps have found anyway.
    of_epochs = [metric for metric in reported if metric in ("loss", "acc")]
    names = {f"train/{metric}" for metric in (reported if target == ESTIMATOR else of_epochs)}
    if values["data"]["val_fraction"] > 0:
        names |= {f"val/{metric}" for metric in reported}
    return names


def _check_training(values: Mapping[str, Any]) -> None:
    trainer, optimizer, model = values["trainer"], values["optimizer"], values["model"]
    if trainer["max_epochs"] == -1 and trainer["max_steps"] == -1 and trainer["max_time"] is None:
        raise UsageError(
            "training must end, got trainer.max_epochs=-1 without another limit; "
            "set trainer.max_epochs, trainer.max_steps or trainer.max_time"
        )
    if optimizer.get("nesterov") and not optimizer.get("momentum"):
        raise UsageError("optimizer.nesterov needs a momentum, got optimizer.momentum=0; set optimizer.momentum=0.9")
    path = values["ckpt_path"]
    if path is not None and model["_target_"] == ESTIMATOR:
        raise UsageError(
            f"ckpt_path is for networks, got {path} for {model['estimator']['_target_']}, which is always fitted "
            "anew; leave it out"
        )
    if path is not None and "://" not in path and not Path(path).exists():
        raise UsageError(
            f"ckpt_path must be a run's folder or a checkpoint, got {path}, which is not there; name another"
        )
    if not values["train"] and values["test"] and path is None:
        raise UsageError("train=false needs a trained model to test, got ckpt_path=null; set ckpt_path to a checkpoint")
    if not values["train"] and not values["test"]:
        raise UsageError("train and test must not both be false: nothing would be done; set one of them to true")
    schedule = values["scheduler"]["_target_"]
    if schedule in OF_FIXED_LENGTH and trainer["max_epochs"] in (None, -1):
        raise UsageError(
            f"the schedule {schedule.rpartition('.')[2]} must know its length, got "
            f"trainer.max_epochs={trainer['max_epochs']}; set trainer.max_epochs"
        )
