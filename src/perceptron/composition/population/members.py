"""Members of a population, built from the settings of their jobs."""

import math
from collections.abc import Mapping, Sequence
from copy import copy
from logging import LogRecord
from pathlib import Path
from typing import Any

import lightning as L
import torch
from hydra.utils import instantiate
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from perceptron.callbacks import PruneHopeless
from perceptron.callbacks.history import WeightPath
from perceptron.composition.building.callbacks import build_callback, check_rules
from perceptron.composition.building.instantiate import instance
from perceptron.composition.building.model import build_model
from perceptron.composition.building.network import fit_network
from perceptron.composition.building.optimizer import build_optimizer, build_schedule
from perceptron.composition.population.eligibility import group_key, split_key, table_key
from perceptron.data import Table, TableDataModule
from perceptron.data.columns.column_table import ColumnTable
from perceptron.population import MODELS, CannotStackError, Entries, Member, check_optimizer, check_stack
from perceptron.population.callback_rules import CHECKPOINT, EARLY_STOPPING, LAST_CHECKPOINT, PRUNING
from perceptron.terminal.log_entries import collected
from perceptron.training.devices import check_device
from perceptron.training.result_files import log_table_defaults, log_task, log_warnings
from perceptron.training.threshold_choice import check_threshold

# The loggers of what a job alone says about its data, and about its settings.
_OF_DATA, _OF_RESULTS = "perceptron.data", "perceptron.training.result_files"


class MemberBuilder:
    """Builds members; jobs share the tables that they have in common, and other processes those already read.

    Forked processes have them; to others a builder is sent with its tables alone, from which they make the rest.

    Args:
        trains_here: whether this machine must have the device that the jobs ask for.
    """

    def __init__(self, *, trains_here: bool = True) -> None:
        self._trains_here = trains_here
        self._tables: dict[str, Table | ColumnTable] = {}
        # Of each split and standardisation; a table with columns of any kind is encoded for each.
        self._datamodules: dict[str, TableDataModule] = {}
        # Group keys of networks whose stack gave the outputs of the network alone.
        self._tried: set[str] = set()
        # What was logged about each table, and about each split.
        self._entries: dict[str, tuple[LogRecord, ...]] = {}
        # What was logged about the task of each table, which may be known once its rows are split.
        self._of_tasks: dict[str, tuple[LogRecord, ...]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_datamodules": {}}

    def build(self, config: Mapping[str, Any], choices: Mapping[str, str], *, draws_figures: bool = False) -> Member:
        """The member of a job.

        Args:
            config: checked configuration, plain.
            choices: the option of each group.
            draws_figures: whether its training is to leave what figures show.

        Raises:
            CannotStackError: if it must be trained alone.
            UsageError: if model, data and machine do not go together.
        """
        if self._trains_here:
            check_device(config["trainer"]["accelerator"])
        datamodule = self._datamodule(config)
        model = build_model(config, datamodule, chosen=choices)
        if type(model) not in MODELS:
            raise CannotStackError(f"its model is a {type(model).__name__}")
        fit_network(model, datamodule)
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
        if config["trainer"]["check_val_every_n_epoch"] > 1 and not len(datamodule.split.val):
            raise CannotStackError("it has no validation rows for trainer.check_val_every_n_epoch")
        with collected(_OF_RESULTS) as said:
            log_table_defaults(config, choices)
        member = Member(
            model=model,
            datamodule=datamodule,
            optimizer=optimizer,
            early_stopping=_stopping_rules(config),
            checkpoints=_checkpoint_rules(config),
            monitor=config["monitor"],
            entries=self._entries_of(config["data"], settings=said),
            **_of_trainer(config["trainer"]),
        )
        if member.max_steps is not None and member.max_steps < member.steps_per_epoch:
            raise CannotStackError(f"trainer.max_steps={member.max_steps} ends its training within the first epoch")
        for arguments in _arguments(config, PRUNING):
            pruner = instance(arguments["pruner"], "hydra.sweeper.pruner")
            member.pruning = PruneHopeless(**arguments | {"pruner": pruner})
        for arguments in _arguments(config, LAST_CHECKPOINT):
            member.last = Path(arguments["dirpath"]) / "last.ckpt"
        if draws_figures:
            member.path = WeightPath()
        member.schedule = _schedule(member, config)
        return member

    def _datamodule(self, config: Mapping[str, Any]) -> TableDataModule:
        """The job's data module; jobs that differ only in the order of rows share table, split and standardisation."""
        key = split_key(config["data"])
        if key not in self._datamodules:
            self._datamodules[key] = self._set_up(config)
        datamodule = copy(self._datamodules[key])
        datamodule.seed = config["data"]["seed"]
        return datamodule

    def forget_splits(self) -> None:
        """Let go of the encoded tables of all splits but the latest, for which the next jobs may ask."""
        for key in list(self._datamodules)[:-1]:
            del self._datamodules[key]

    def _entries_of(self, data: Mapping[str, Any], *, settings: Sequence[LogRecord]) -> Entries:
        """What the job alone would have logged, with what it would have said about its settings."""
        table, split = table_key(data), split_key(data)
        return Entries((*self._entries[table], *self._of_tasks[table]), self._entries[split], tuple(settings))

    def _set_up(self, config: Mapping[str, Any]) -> TableDataModule:
        datamodule: TableDataModule = instantiate(config["data"], _convert_="all")
        key = table_key(config["data"])
        is_new = key not in self._tables
        if is_new:
            L.seed_everything(config["seed"], workers=True, verbose=False)
            try:
                with collected(_OF_DATA) as of_table:
                    self._tables[key] = datamodule.read_table()
            except (TypeError, ValueError, OSError) as error:
                raise CannotStackError("its table cannot be read") from error
            self._entries[key] = tuple(of_table)
        table = self._tables[key]
        datamodule.dataset = lambda: table
        with collected(_OF_DATA) as of_split:
            datamodule.setup()
        with collected(_OF_RESULTS) as of_task:
            log_task(datamodule)
        self._of_tasks.setdefault(key, tuple(of_task))
        with collected(_OF_RESULTS) as found:
            log_warnings(datamodule)
        self._entries[split_key(config["data"])] = (*of_split, *found)
        return datamodule


def _schedule(member: Member, config: Mapping[str, Any]) -> dict[str, Any] | None:
    max_epochs = config["trainer"]["max_epochs"]
    total_steps = max_epochs * member.steps_per_epoch
    if member.max_steps is not None:
        total_steps = min(total_steps, member.max_steps)
    schedule = build_schedule(
        member.model, member.optimizer, config["scheduler"], max_epochs=max_epochs, total_steps=total_steps
    )
    if schedule is None:
        return None
    unknown = set(schedule) - {"scheduler", "interval", "monitor"}
    if unknown:
        raise CannotStackError(f"its schedule has {min(unknown)}")
    return {"interval": "epoch", **schedule}


def _of_trainer(trainer: Mapping[str, Any]) -> dict[str, Any]:
    """The flags of Lightning's trainer that each member follows by itself."""
    return {
        # Lightning clips nothing at 0.
        "gradient_limit": trainer["gradient_clip_val"] or math.inf,
        "clips_by_norm": trainer["gradient_clip_algorithm"] != "value",
        "batches_per_step": trainer["accumulate_grad_batches"],
        "max_steps": None if trainer["max_steps"] == -1 else trainer["max_steps"],
        "epochs_per_validation": trainer["check_val_every_n_epoch"],
    }


def _stopping_rules(config: Mapping[str, Any]) -> tuple[EarlyStopping, ...]:
    """The rules that end a training early."""
    rules = tuple(EarlyStopping(**arguments) for arguments in _arguments(config, EARLY_STOPPING))
    if len({rule.state_key for rule in rules}) < len(rules):
        # Lightning cannot store them, and says so.
        raise CannotStackError("it has two EarlyStopping callbacks of one metric")
    return rules


def _checkpoint_rules(config: Mapping[str, Any]) -> tuple[ModelCheckpoint, ...]:
    """The rules that keep checkpoints."""
    built = [build_callback({"_target_": CHECKPOINT, **own}, "callbacks") for own in _arguments(config, CHECKPOINT)]
    rules = [rule for rule in built if isinstance(rule, ModelCheckpoint)]
    check_rules({f"callbacks.{number}": rule for number, rule in enumerate(rules)})
    return tuple(rules)


def _arguments(config: Mapping[str, Any], target: str) -> list[dict[str, Any]]:
    """Arguments of the callbacks of a class."""
    return [
        {key: value for key, value in settings.items() if key != "_target_"}
        for settings in config["callbacks"].values()
        if settings is not None and settings["_target_"] == target
    ]
