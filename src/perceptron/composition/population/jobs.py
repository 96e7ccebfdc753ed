"""Which jobs of a multirun can be trained side by side, and the members they make."""

import json
from collections.abc import Mapping
from copy import copy
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import lightning as L
import torch
from hydra.utils import get_method, instantiate
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from perceptron.callbacks import PruneHopeless
from perceptron.composition.building.callbacks import check_rules
from perceptron.composition.building.instantiate import Again, instance
from perceptron.composition.building.model import build_model
from perceptron.composition.building.optimizer import build_optimizer, build_schedule
from perceptron.composition.settings.combinations import ESTIMATOR
from perceptron.composition.settings.schema import TrainerConf
from perceptron.data import Table, TableDataModule, as_table, read
from perceptron.population import MODELS, CannotStackError, Member, check_callback, check_optimizer, check_stack
from perceptron.population.rules import CHECKPOINT, EARLY_STOPPING, LAST_CHECKPOINT, PRUNING
from perceptron.training.devices import check_device
from perceptron.training.result_files import log_task
from perceptron.training.threshold_choice import check_threshold

_ACCELERATORS = ("auto", "cpu", "cuda", "gpu", "mps")
# Settings of the trainer that a population follows; others must have their default.
_PRECISIONS = (None, "32-true", "64-true")
_TRAINER = ("precision", "accelerator", "max_epochs", "num_threads", "enable_progress_bar", "enable_model_summary")
_MLP = "perceptron.networks.MLP"


def check_settings(config: Mapping[str, Any]) -> None:
    """Refuse a job that asks for what a population has not.

    Args:
        config: plain configuration.

    Raises:
        CannotStackError: with the reason.
    """
    if config["model"]["_target_"] == ESTIMATOR:
        raise CannotStackError("scikit-learn fits its model")
    if not config["train"]:
        raise CannotStackError("it does not train")
    if config["ckpt_path"] is not None:
        raise CannotStackError("it goes on from a checkpoint")
    if config["compile"]:
        raise CannotStackError(f"it has compile={config['compile']}")
    trainer = config["trainer"]
    for field in fields(TrainerConf):
        value = trainer[field.name]
        if field.name not in _TRAINER and field.name != "default_root_dir" and value != field.default:
            raise CannotStackError(f"it has trainer.{field.name}={value}")
    if trainer["precision"] not in _PRECISIONS:
        raise CannotStackError(f"it has trainer.precision={trainer['precision']}")
    if trainer["accelerator"] not in _ACCELERATORS:
        raise CannotStackError(f"it has trainer.accelerator={trainer['accelerator']}")
    if not trainer["max_epochs"] or trainer["max_epochs"] < 1:
        raise CannotStackError(f"it has trainer.max_epochs={trainer['max_epochs']}")
    if config["data"]["block_size"] is not None:
        raise CannotStackError(f"it has data.block_size={config['data']['block_size']}")
    if config["data"]["num_workers"]:
        raise CannotStackError(f"it has data.num_workers={config['data']['num_workers']}")
    for settings in config["callbacks"].values():
        if settings is not None:
            check_callback(settings)
    _check_dataset(config["data"]["dataset"])


def check_surroundings(settings: Mapping[str, Any]) -> None:
    """Refuse a job that Hydra runs in surroundings of its own.

    Args:
        settings: plain values of ``hydra``.

    Raises:
        CannotStackError: with the reason.
    """
    job = settings["job"]
    for name in ("chdir", "env_set", "env_copy"):
        if job[name]:
            raise CannotStackError(f"it has hydra.job.{name}={job[name]}")


def group_key(config: Mapping[str, Any]) -> str:
    """What members of one group have in common: jobs with the same key differ only in what can vary side by side.

    That is the seeds, the splits, the standardisation, the schedule, the rules of stopping and keeping, and the numbers
    of optimizer, dropout and label smoothing.
    """
    data, optimizer = config["data"], config["optimizer"]
    network = dict(config["model"]["network"])
    if network.get("_target_") == _MLP:
        network["dropout"] = network.get("dropout", 0) > 0
    varying = ("network", "threshold", "label_smoothing")
    common = {
        "data": {name: data[name] for name in ("dataset", "task", "batch_size", "eval_batch_size")},
        "network": network,
        "model": {name: value for name, value in config["model"].items() if name not in varying},
        "metrics": config["metrics"],
        "optimizer": {
            name: value
            for name, value in optimizer.items()
            if name not in ("lr", "weight_decay", "momentum", "betas", "eps")
        },
        "trainer": {name: value for name, value in config["trainer"].items() if name != "default_root_dir"},
        "checkpoints": len(_callbacks(config, CHECKPOINT)),
    }
    return json.dumps(common, sort_keys=True, default=str)


class MemberBuilder:
    """Makes members; jobs share the tables that they have in common, and a forked process those made before it."""

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}
        self._datamodules: dict[str, TableDataModule] = {}
        self._tried: set[str] = set()
        self._make = Again()

    def build(self, config: Mapping[str, Any], chosen: Mapping[str, str]) -> Member:
        """The member that a job makes.

        Args:
            config: checked configuration, plain.
            chosen: option of each group.

        Raises:
            CannotStackError: where it must be trained alone.
            UsageError: where model, data and machine do not go together.
        """
        check_device(config["trainer"]["accelerator"])
        datamodule = self._data(config)
        model = build_model(config, datamodule, chosen=chosen, make=self._make)
        if type(model) not in MODELS:
            raise CannotStackError(f"its model is a {type(model).__name__}")
        check_threshold(model, datamodule)
        if config["trainer"]["precision"] == "64-true":
            model = model.double()
        optimizer = build_optimizer(model, config["optimizer"])
        check_optimizer(optimizer)
        key = group_key(config)
        if key not in self._tried:
            features = torch.from_numpy(datamodule.table.features[datamodule.split.train[:8]])
            check_stack(model.network, model.standardize(features.to(next(model.parameters()))))
            self._tried.add(key)
        stopping = _callbacks(config, EARLY_STOPPING)
        if len(stopping) > 1:
            raise CannotStackError("it has several EarlyStopping callbacks")
        member = Member(
            model=model,
            datamodule=datamodule,
            optimizer=optimizer,
            early_stopping=EarlyStopping(**stopping[0]) if stopping else None,
            checkpoints=_rules(config),
        )
        for settings in _callbacks(config, PRUNING):
            member.pruning = PruneHopeless(
                **settings | {"pruner": instance(settings["pruner"], "hydra.sweeper.pruner")}
            )
        for settings in _callbacks(config, LAST_CHECKPOINT):
            member.last = Path(settings["dirpath"]) / "last.ckpt"
        member.schedule = _schedule(member, config)
        return member

    def _data(self, config: Mapping[str, Any]) -> TableDataModule:
        """The job's data module; jobs that differ in the order of rows alone share table, split and standardisation."""
        key = json.dumps({**config["data"], "seed": None}, sort_keys=True, default=str)
        if key not in self._datamodules:
            self._datamodules[key] = self._made(config)
        datamodule = copy(self._datamodules[key])
        datamodule.seed = config["data"]["seed"]
        return datamodule

    def _made(self, config: Mapping[str, Any]) -> TableDataModule:
        datamodule: TableDataModule = instantiate(config["data"], _convert_="all")
        names = ("dataset", "task", "missing_target")
        key = json.dumps([config["data"][name] for name in names], sort_keys=True, default=str)
        is_new = key not in self._tables
        if is_new:
            L.seed_everything(config["seed"], workers=True, verbose=False)
            try:
                self._tables[key] = as_table(
                    read(datamodule.dataset), task=datamodule.task, missing_target=datamodule.cells.missing_target
                )
            except (TypeError, ValueError, OSError) as error:
                raise CannotStackError("its table cannot be made") from error
        table = self._tables[key]
        datamodule.dataset = lambda: table
        datamodule.setup()
        if is_new:
            log_task(datamodule)
        return datamodule


def _schedule(member: Member, config: Mapping[str, Any]) -> dict[str, Any] | None:
    max_epochs = config["trainer"]["max_epochs"]
    total_steps = max_epochs * member.row_batches().n_steps
    schedule = build_schedule(
        member.model, member.optimizer, config["scheduler"], max_epochs=max_epochs, total_steps=total_steps
    )
    if schedule is None:
        return None
    unknown = set(schedule) - {"scheduler", "interval", "monitor"}
    if unknown:
        raise CannotStackError(f"its schedule has {min(unknown)}")
    return {"interval": "epoch", **schedule}


def _rules(config: Mapping[str, Any]) -> tuple[ModelCheckpoint, ...]:
    """What keeps checkpoints, first the rule whose weights the job alone would report."""
    rules = [ModelCheckpoint(**settings) for settings in _callbacks(config, CHECKPOINT)]
    check_rules({f"callbacks.{number}": rule for number, rule in enumerate(rules)})
    return tuple(sorted(rules, key=lambda rule: rule.monitor != config["monitor"]))


def _callbacks(config: Mapping[str, Any], target: str) -> list[dict[str, Any]]:
    """Arguments of the callbacks of a class."""
    return [
        {key: value for key, value in settings.items() if key != "_target_"}
        for settings in config["callbacks"].values()
        if settings is not None and settings["_target_"] == target
    ]


def _check_dataset(dataset: Mapping[str, Any]) -> None:
    """Refuse a table that is drawn at random for every job, or is not made of numbers alone."""
    if "_target_" not in dataset:
        raise CannotStackError("its table is one's own, whose columns become features by its training rows")
    target = dataset["_target_"]
    draws = target.rpartition(".")[2].startswith("make_") and "random_state" in signature(get_method(target)).parameters
    if draws and dataset.get("random_state") is None:
        raise CannotStackError("its table is drawn anew by every job; set data.dataset.random_state")
