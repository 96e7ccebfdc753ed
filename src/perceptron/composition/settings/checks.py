"""What is wrong with a configuration before it runs: one rule, one value, one fix. Imports nothing heavy."""

import os
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.combinations import check_combinations
from perceptron.composition.settings.explain import explain
from perceptron.composition.settings.known_targets import AUTO, MODEL_TASKS
from perceptron.composition.settings.parts import check_parts
from perceptron.composition.settings.plain import plain
from perceptron.composition.settings.schema import PathsConf, TrainConf
from perceptron.composition.settings.schema.constraints import check_constraint, constraints_of
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
    values = resolved(cfg)
    check_values(values, trains=trains)
    _check_nodes(values["trainer"])
    return values


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The configuration as plain values.

    Raises:
        UsageError: for a required setting without a value, or an interpolation that cannot be resolved.
    """
    try:
        return plain(cfg)
    except OmegaConfBaseException as error:
        raise UsageError(explain(error)) from error


def check_values(
    values: Mapping[str, Any], *, trains: bool = True, checked: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Check the plain values of a configuration.

    Args:
        values: resolved.
        trains: see ``check``.
        checked: see ``check_parts``.

    Raises:
        UsageError: for the first setting that breaks a rule.
    """
    check_parts(values, checked=checked)
    _check_network(values["model"])
    for prefix, schema, part in (("", TrainConf, values), ("paths.", PathsConf, values["paths"])):
        known = {field.name for field in fields(schema)}
        for name in part:
            if name not in known:
                fix = name_here(f"{prefix}{name!s}") or did_you_mean(str(name), known)
                raise UsageError(f"there is no setting {prefix}{name!s}; {fix}")
        for name, constraint in constraints_of(schema).items():
            check_constraint(f"{prefix}{name}", part.get(name), constraint)
    check_combinations(values, trains=trains)


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


def _check_nodes(trainer: Mapping[str, Any]) -> None:
    """Refuse nodes without an address of the first: Lightning would wait for them for half an hour."""
    if trainer["num_nodes"] > 1 and not any(name.startswith(_CLUSTER_VARIABLES) for name in os.environ):
        raise UsageError(
            f"trainer.num_nodes={trainer['num_nodes']} needs nodes that know of one another, got neither MASTER_ADDR "
            "nor NODE_RANK; set both on each node, or start with srun or torchrun"
        )


def _check_network(model: Mapping[str, Any]) -> None:
    """Refuse a network that is no part."""
    network = model.get("network")
    # A user's LightningModule has none, or an argument of this name that is something else.
    needs_network = model["_target_"] == AUTO or model["_target_"] in MODEL_TASKS
    if needs_network and not isinstance(network, Mapping):
        shown = "null" if network is None else network
        raise UsageError(
            f"model.network must be settings, got {shown}; type model.network._target_=<class>, or leave it out"
        )
