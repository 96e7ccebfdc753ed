"""Which jobs of a multirun can be trained side by side, and which of them in one group."""

import json
from collections.abc import Mapping
from inspect import signature
from typing import Any

from hydra.utils import get_method

from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.composition.settings.combinations import check_combinations
from perceptron.composition.settings.known_targets import ESTIMATOR, is_table
from perceptron.composition.settings.schema import defaults_of_target
from perceptron.population import CannotStackError, check_callback
from perceptron.population.callback_rules import CHECKPOINT, PRUNING
from perceptron.runs.folder import Run

# The values of settings that a population follows; where only some are listed, others run alone.
_SUPPORTED: dict[str, tuple[Any, ...]] = {
    "train": (True,),
    "ckpt_path": (None,),
    "compile": (False,),
    "figures": ("end", "none"),
    "trainer.precision": (None, "32-true", "64-true"),
    "trainer.accelerator": ("auto", "cpu", "cuda", "gpu", "mps"),
    "data.block_size": (None,),
    "data.num_workers": (0,),
}
# Flags of the trainer that a population follows; others must have their defaults.
_TRAINER = (
    "precision", "accelerator", "max_epochs", "num_threads", "enable_progress_bar", "enable_model_summary",
    "default_root_dir", "gradient_clip_val", "gradient_clip_algorithm", "accumulate_grad_batches",
    "check_val_every_n_epoch", "max_steps",
)  # fmt: skip
# Flags of the trainer that change nothing in the results of a table on one device.
_WITHOUT_EFFECT = (
    "benchmark", "enable_autolog_hparams", "inference_mode", "limit_predict_batches", "num_sanity_val_steps",
    "reload_dataloaders_every_n_epochs", "sync_batchnorm", "use_distributed_sampler",
)  # fmt: skip
_WHOLE_EPOCHS = "members train on all batches of an epoch, and are validated after it"
_ONE_PROCESS = "one process trains a group on one device"
_ALL_MEMBERS = "it would apply to all members at once"
# Why other settings and flags make a job run alone.
_ALONE = {
    "figures": "members draw once all of them have finished",
    "devices": _ONE_PROCESS,
    "num_nodes": _ONE_PROCESS,
    "strategy": _ONE_PROCESS,
    "plugins": _ONE_PROCESS,
    "limit_train_batches": _WHOLE_EPOCHS,
    "limit_val_batches": _WHOLE_EPOCHS,
    "limit_test_batches": _WHOLE_EPOCHS,
    "overfit_batches": _WHOLE_EPOCHS,
    "val_check_interval": _WHOLE_EPOCHS,
    "fast_dev_run": _WHOLE_EPOCHS,
    "min_epochs": "early stopping ends a member's training at once",
    "min_steps": "early stopping ends a member's training at once",
    "max_time": _ALL_MEMBERS,
    "deterministic": _ALL_MEMBERS,
    "detect_anomaly": _ALL_MEMBERS,
    "profiler": _ALL_MEMBERS,
    "enable_checkpointing": "a member is scored with the weights of its best checkpoint",
    "barebones": "a member is scored with the weights of its best checkpoint",
    "log_every_n_steps": "members log after an epoch",
    "model_registry": "members upload nothing",
}
# Settings that may differ within a group.
_DATA_VARIES = (
    "seed", "split_seed", "folds", "fold", "val_fraction", "test_fraction", "standardize", "class_weights", "sampling",
)  # fmt: skip
_MODEL_VARIES = ("network", "threshold", "label_smoothing")
_OPTIMIZER_VARIES = ("lr", "weight_decay", "momentum", "betas", "eps", "alpha", "rho", "lr_decay", "momentum_decay")
_TRAINER_VARIES = ("default_root_dir", "gradient_clip_val", *_WITHOUT_EFFECT)
_MLP = "perceptron.networks.MLP"
# Settings of the data that do not say what is read.
_OF_BATCHES = ("batch_size", "eval_batch_size", "block_size", "blocks_in_memory", "num_workers", "on_device")


def check_job(job: ComposedJob) -> None:
    """Refuse a job that must run alone.

    Raises:
        CannotStackError: with the reason.
        UsageError: if a value breaks a rule.
    """
    run = Run(job.folder)
    if run.is_finished:
        raise CannotStackError("it is finished")
    if run.checkpoint("last").is_file():
        raise CannotStackError("it continues from its last checkpoint")
    check_combinations(job.config)
    surroundings = job.composed["hydra"]["job"]
    for name in ("chdir", "env_set", "env_copy"):
        if surroundings[name]:
            raise CannotStackError(f"it has hydra.job.{name}={surroundings[name]}")
    check_settings(job.config)


def check_settings(config: Mapping[str, Any]) -> None:
    """Refuse settings that a population does not follow.

    Args:
        config: plain configuration.

    Raises:
        CannotStackError: with the reason.
    """
    if config["model"]["_target_"] == ESTIMATOR:
        raise CannotStackError("scikit-learn fits its model")
    if not is_table(config["data"]):
        raise CannotStackError(f"its data is a {config['data']['_target_']}")
    if "network" not in config["model"]:
        raise CannotStackError(f"its model is a {config['model']['_target_']}")
    for key, supported in _SUPPORTED.items():
        group, _, name = key.rpartition(".")
        value = config[group][name] if group else config[name]
        if value not in supported:
            raise CannotStackError(f"it has {key}={value}{_because(key)}")
    trainer = config["trainer"]
    defaults = defaults_of_target(trainer["_target_"])
    for name, value in trainer.items():
        if name not in (*_TRAINER, *_WITHOUT_EFFECT) and value != defaults.get(name):
            raise CannotStackError(f"it has trainer.{name}={value}{_because(name)}")
    if trainer["check_val_every_n_epoch"] is None:
        raise CannotStackError("it has trainer.check_val_every_n_epoch=None")
    if not trainer["max_epochs"] or trainer["max_epochs"] < 1:
        raise CannotStackError(f"it has trainer.max_epochs={trainer['max_epochs']}")
    for settings in config["callbacks"].values():
        if settings is not None:
            check_callback(settings)
            if trainer["check_val_every_n_epoch"] != 1:
                _check_validation(settings)
            if trainer["max_steps"] != -1 and settings["_target_"] == PRUNING:
                raise CannotStackError("its search prunes beside trainer.max_steps")
    _check_dataset(config["data"]["dataset"])


def _because(name: str) -> str:
    return f": {_ALONE[name]}" if name in _ALONE else ""


def check_together(job: ComposedJob, key: str) -> None:
    """Refuse a job that cannot join a group: groups are formed before interpolations are resolved.

    Args:
        job: composed.
        key: by ``group_key`` of the group's first job.

    Raises:
        CannotStackError: if they differ in more than may vary within a group.
    """
    if group_key(job.config) != key:
        raise CannotStackError("an interpolation gives it other settings than the first job of its group")


def group_key(config: Mapping[str, Any]) -> str:
    """The settings that the members of a group have in common.

    Jobs with the same key differ only in seeds, splits, standardisation, schedule, the rules of stopping and keeping,
    and the numbers of optimizer, dropout and label smoothing.

    Args:
        config: plain configuration; interpolations may be unresolved.
    """
    data, network = config["data"], config["model"].get("network")
    if isinstance(network, Mapping) and network.get("_target_") == _MLP:
        network = {**network, "dropout": bool(network.get("dropout"))}
    checkpoints = [part for part in config["callbacks"].values() if part is not None and part["_target_"] == CHECKPOINT]
    common = {
        "data": _without(data, _DATA_VARIES),
        "network": network,
        "model": _without(config["model"], _MODEL_VARIES),
        "metrics": config["metrics"],
        "optimizer": _without(config["optimizer"], _OPTIMIZER_VARIES),
        "trainer": _without(config["trainer"], _TRAINER_VARIES),
        "n_checkpoints": len(checkpoints),
    }
    return json.dumps(common, sort_keys=True, default=str)


def table_key(data: Mapping[str, Any]) -> str:
    """The settings of the group ``data`` that say which table is read, and how."""
    return json.dumps(_without(data, (*_DATA_VARIES, *_OF_BATCHES)), sort_keys=True, default=str)


def split_key(data: Mapping[str, Any]) -> str:
    """The settings of the group ``data`` beside the order of the rows: those of table, split and standardisation."""
    return json.dumps({**data, "seed": None}, sort_keys=True, default=str)


def _check_validation(callback: Mapping[str, Any]) -> None:
    """Refuse a callback that does not look after the validation alone, where not every epoch has one."""
    name = callback["_target_"].rpartition(".")[2]
    for key in ("check_on_train_epoch_end", "save_on_train_epoch_end"):
        if callback.get(key) is not None:
            raise CannotStackError(f"its {name} has {key}={callback[key]} beside trainer.check_val_every_n_epoch")
    if callback["_target_"] == PRUNING:
        raise CannotStackError("its search prunes beside trainer.check_val_every_n_epoch")


def _without(settings: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}


def _check_dataset(dataset: Mapping[str, Any]) -> None:
    """Refuse a table that is drawn at random for every job."""
    if "_target_" not in dataset:
        # Files are the data set.
        return
    target = dataset["_target_"]
    draws = target.rpartition(".")[2].startswith("make_") and "random_state" in signature(get_method(target)).parameters
    if draws and dataset.get("random_state") is None:
        raise CannotStackError("its table is drawn anew for every job; set data.dataset.random_state")
