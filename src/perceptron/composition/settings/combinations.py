"""Values of different settings that do not go together. Imports nothing heavy."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perceptron.composition.settings.data_paths import check_tables_exist
from perceptron.composition.settings.known_targets import AUTO, ESTIMATOR, FIXED_LENGTH_SCHEDULES, MODEL_TASKS, is_table
from perceptron.composition.settings.metrics_group import check_metrics, reported_names
from perceptron.composition.settings.monitors import check_monitors
from perceptron.errors import UsageError
from perceptron.tasks import TASKS

_DATASET = re.compile(r"sklearn\.datasets\.(\w+)")


def check_combinations(values: Mapping[str, Any], *, trains: bool = True) -> None:
    """Check a resolved configuration whose single values obey their constraints.

    Args:
        values: the whole configuration, plain.
        trains: whether a run is started with it. What a finished run monitored, and the checkpoint that it started
            from, mean nothing to a command that only reads it.

    Raises:
        UsageError: for the first values that do not go together.
    """
    data, model = values["data"], values["model"]
    if is_table(data):
        _check_split(data)
        _check_dataset(data)
        _check_loading(data)
        _check_balancing(data, model)
        _check_model(model, data)
    elif model["_target_"] == ESTIMATOR:
        raise UsageError(
            f"a scikit-learn estimator is fitted to a table of this project, got {data['_target_']}; choose a network, "
            "or other data"
        )
    check_metrics(values["metrics"])
    if trains:
        if is_table(data):
            check_tables_exist(data)
        check_monitors(values, _logged_names(values))
        _check_length(values["trainer"], values["scheduler"])
        _check_optimizer(values["optimizer"])
        _check_checkpoint(values["ckpt_path"], model)
        _check_stages(values)


def _check_split(data: Mapping[str, Any]) -> None:
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


def _check_dataset(data: Mapping[str, Any]) -> None:
    target = str(data["dataset"].get("_target_"))
    named = _DATASET.fullmatch(target)
    # fetch_file writes whatever an address holds, and gives a path.
    if named and (not named[1].startswith(("load_", "fetch_", "make_")) or named[1] == "fetch_file"):
        raise UsageError(
            f"data.dataset._target_ must be a load_*, fetch_* or make_* function of sklearn.datasets, got {target}; "
            "name one that yields a table and a target"
        )


def _check_loading(data: Mapping[str, Any]) -> None:
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


def _check_balancing(data: Mapping[str, Any], model: Mapping[str, Any]) -> None:
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


def _check_model(model: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    if model.get("threshold") == "auto" and data["val_fraction"] == 0:
        raise UsageError(
            "model.threshold=auto is chosen on validation rows, got data.val_fraction=0; set data.val_fraction above "
            "0, or model.threshold to a number in (0, 1)"
        )
    network = model.get("network")
    # A user's model may have another argument of this name.
    network = network if isinstance(network, Mapping) else {}
    if network.get("category_width") is not None and network.get("categories") == "one_hot":
        raise UsageError(
            f"model.network.category_width is that of embeddings, got {network['category_width']} beside "
            "model.network.categories=one_hot; set model.network.categories=embedding"
        )


def _logged_names(values: Mapping[str, Any]) -> set[str] | None:
    """Names that a run can monitor; None where a class of the user's own, a model or a callback, may log others."""
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
    if not is_table(values["data"]) or values["data"]["val_fraction"] > 0:
        names |= {f"val/{metric}" for metric in reported}
    return names


def _check_length(trainer: Mapping[str, Any], scheduler: Mapping[str, Any]) -> None:
    if trainer["max_epochs"] == -1 and trainer["max_steps"] == -1 and trainer["max_time"] is None:
        raise UsageError(
            "training must end, got trainer.max_epochs=-1 without another limit; "
            "set trainer.max_epochs, trainer.max_steps or trainer.max_time"
        )
    schedule = scheduler["_target_"]
    if schedule in FIXED_LENGTH_SCHEDULES and trainer["max_epochs"] in (None, -1):
        raise UsageError(
            f"the schedule {schedule.rpartition('.')[2]} must know its length, got "
            f"trainer.max_epochs={trainer['max_epochs']}; set trainer.max_epochs"
        )


def _check_optimizer(optimizer: Mapping[str, Any]) -> None:
    if optimizer.get("nesterov") and not optimizer.get("momentum"):
        raise UsageError("optimizer.nesterov needs a momentum, got optimizer.momentum=0; set optimizer.momentum=0.9")


def _check_checkpoint(path: str | None, model: Mapping[str, Any]) -> None:
    if path is None:
        return
    if model["_target_"] == ESTIMATOR:
        raise UsageError(
            f"ckpt_path is for networks, got {path} for {model['estimator']['_target_']}, which is always fitted "
            "anew; leave it out"
        )
    if "://" in path:
        raise UsageError(f"ckpt_path must be on this machine, got {path}; download it and name the file")
    if not Path(path).exists():
        raise UsageError(
            f"ckpt_path must be a run's folder or a checkpoint, got {path}, which is not there; name another"
        )


def _check_stages(values: Mapping[str, Any]) -> None:
    if not values["train"] and not values["test"]:
        raise UsageError("train and test must not both be false: nothing would be done; set one of them to true")
    if not values["train"] and values["ckpt_path"] is None:
        raise UsageError("train=false needs a trained model to test, got ckpt_path=null; set ckpt_path to a checkpoint")
