"""What is wrong with a configuration before it runs: one rule, one value, one fix. Imports nothing heavy."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.combinations import check_combinations
from perceptron.composition.settings.explain import explain
from perceptron.composition.settings.known_targets import AUTO, MODEL_TASKS
from perceptron.composition.settings.own_parts import is_own_part
from perceptron.composition.settings.parts import check_parts
from perceptron.composition.settings.plain import find, plain
from perceptron.composition.settings.schema import OPEN_SCHEMAS, OpenConf
from perceptron.composition.settings.schema.constraints import Constraint, constraints_of
from perceptron.composition.settings.template_names import name_here
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean

# Environment variables that Lightning's manual has users set on each node, and those of the clusters that it knows.
_CLUSTER_VARIABLES = (
    "MASTER_ADDR", "NODE_RANK", "GROUP_RANK", "TORCHELASTIC_", "SLURM_", "LSB_", "OMPI_", "PMI_", "PMIX_",
)  # fmt: skip
_FOLDER_OF_JOB = "${hydra:runtime.output_dir}"


def check(cfg: DictConfig, *, trains: bool = True) -> dict[str, Any]:
    """Check a composed configuration.

    Args:
        cfg: the whole configuration, without ``hydra``.
        trains: whether a run is started with it; False for commands that only read a finished run.

    Returns:
        Its plain values.

    Raises:
        UsageError: for the first setting that breaks a rule.
    """
    constraints = constraints_in(cfg)
    values = resolved(cfg)
    check_values(values, constraints, trains=trains)
    _check_nodes(values["trainer"])
    return values


def constraints_in(cfg: DictConfig, path: str = "") -> dict[str, Constraint]:
    """The constraint of each setting that has one, by its key.

    A part is checked by its schema: the dataclass that OmegaConf checks its types by, or that of its ``_target_``.

    Args:
        cfg: a composed configuration, or a part of it.
        path: the part's key with a dot behind it.

    Raises:
        UsageError: for a key that was added with + to a part whose keys are fixed.
    """
    found: dict[str, Constraint] = {}
    for key, part in _parts(cfg, path):
        target = None if OmegaConf.is_missing(part, "_target_") else part.get("_target_")
        if is_own_part(key[:-1], target):
            # By its signature alone: a setting of this project's of the same name has other values.
            continue
        schema: Any = OmegaConf.get_type(part)
        if isinstance(schema, type) and is_dataclass(schema):
            known = {field.name for field in fields(schema)}
            for name in part:
                if name not in known and not issubclass(schema, OpenConf):
                    fix = name_here(f"{key}{name!s}") or did_you_mean(str(name), known)
                    raise UsageError(f"there is no setting {key}{name!s}; {fix}")
            found |= {key + name: each for name, each in constraints_of(schema).items()}
        if target in OPEN_SCHEMAS:
            found |= {key + name: each for name, each in constraints_of(OPEN_SCHEMAS[target]).items()}
    return found


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The configuration as plain values.

    Raises:
        UsageError: for a required setting without a value, or an interpolation that cannot be resolved.
    """
    try:
        return plain(cfg)
    except OmegaConfBaseException as error:
        raise UsageError(explain(error)) from error


def check_values(values: Mapping[str, Any], constraints: Mapping[str, Constraint], *, trains: bool = True) -> None:
    """Check the plain values of a configuration whose keys and types have been checked.

    Args:
        values: resolved.
        constraints: by ``constraints_in`` of a configuration with the same keys.
        trains: see ``check``.

    Raises:
        UsageError: for the first setting that breaks a rule.
    """
    _check_objects(values)
    check_parts(values)
    for key, constraint in constraints.items():
        check_constraint(key, find(values, key), constraint)
    check_combinations(values, trains=trains)


def check_constraint(key: str, value: Any, constraint: Constraint) -> None:
    """Check one value.

    Raises:
        UsageError: where it breaks the constraint.
    """
    if value is not None and not constraint.holds(value):
        raise UsageError(f"{key} must be {constraint.rule}, got {constraint.shown(value)}; set {key}")


def check_job(cfg: DictConfig) -> None:
    """Check what a job of a multirun must fulfil beyond a single run.

    The summary of the multirun looks for each job in its folder, and each further node would run the whole multirun.

    Raises:
        UsageError: where a job would lie elsewhere, or run on several nodes.
    """
    folder = OmegaConf.to_container(cfg.paths, resolve=False)["output_dir"]  # type: ignore[call-overload, index]
    if folder != _FOLDER_OF_JOB:
        raise UsageError(
            f"a multirun's jobs must lie in its folder, got paths.output_dir={folder}; "
            "set hydra.sweep.dir and hydra.sweep.subdir instead"
        )
    if cfg.trainer.num_nodes > 1:
        raise UsageError(
            f"a multirun's job must run on one node, got trainer.num_nodes={cfg.trainer.num_nodes}; set "
            "trainer.num_nodes=1, or start the runs one by one without -m"
        )


def check_one_device(cfg: DictConfig, *, what: str, fix: str) -> None:
    """Check that a run starts no further processes.

    Args:
        cfg: its configuration.
        what: must run on one device, for the message.
        fix: what to do instead.

    Raises:
        UsageError: if it would run on several devices.
    """
    devices = cfg.trainer.devices
    n_devices = len(devices) if isinstance(devices, ListConfig) else devices
    if str(n_devices) not in ("1", "auto") or cfg.trainer.num_nodes > 1:
        raise UsageError(
            f"{what} must run on one device, got trainer.devices={devices} and "
            f"trainer.num_nodes={cfg.trainer.num_nodes}; {fix}"
        )


def _parts(cfg: DictConfig, path: str) -> Iterator[tuple[str, DictConfig]]:
    """The configuration and all parts inside it, each behind its key."""
    yield path, cfg
    for key in cfg:
        if not OmegaConf.is_missing(cfg, key) and not OmegaConf.is_interpolation(cfg, str(key)):
            part = cfg[key]
            if isinstance(part, DictConfig):
                yield from _parts(part, f"{path}{key!s}.")


def _check_nodes(trainer: Mapping[str, Any]) -> None:
    """Refuse nodes without an address of the first: Lightning would wait for them for half an hour."""
    if trainer["num_nodes"] > 1 and not any(name.startswith(_CLUSTER_VARIABLES) for name in os.environ):
        raise UsageError(
            f"trainer.num_nodes={trainer['num_nodes']} needs nodes that know of one another, got neither MASTER_ADDR "
            "nor NODE_RANK; set both on each node, or start with srun or torchrun"
        )


def _check_objects(values: Mapping[str, Any]) -> None:
    """Refuse parts without a ``_target_``."""
    for group in ("callbacks", "logger"):
        for name, part in values[group].items():
            if part is not None and not (isinstance(part, Mapping) and isinstance(part.get("_target_"), str)):
                raise UsageError(f"{group}.{name!s} must be settings with a _target_, or null, got {part}; change it")
    model = values["model"]
    network = model.get("network")
    # A user's LightningModule has none, or an argument of this name that is something else.
    needs_network = model["_target_"] == AUTO or model["_target_"] in MODEL_TASKS
    if needs_network and not isinstance(network, Mapping):
        shown = "null" if network is None else network
        raise UsageError(
            f"model.network must be settings, got {shown}; type model.network._target_=<class>, or leave it out"
        )
