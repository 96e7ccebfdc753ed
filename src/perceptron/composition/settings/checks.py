"""What the configuration alone tells to be wrong: one rule, one value, one fix. Imports nothing heavy."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.combinations import check_combinations
from perceptron.composition.settings.ranges import RANGES
from perceptron.errors import UsageError, reason
from perceptron.spelling import did_you_mean

# What Lightning's manual has one set, and what clusters that it knows set themselves.
_OF_CLUSTERS = (
    "MASTER_ADDR", "NODE_RANK", "GROUP_RANK", "TORCHELASTIC_", "SLURM_", "LSB_", "OMPI_", "PMI_", "PMIX_",
)  # fmt: skip
_FOLDER_OF_JOB = "${hydra:runtime.output_dir}"


def check(cfg: DictConfig, *, trains: bool = True) -> None:
    """Check a composed configuration.

    Args:
        cfg: the whole configuration.
        trains: whether a run is started with it; False for commands that only read a finished run.

    Raises:
        UsageError: for the first setting that breaks a rule.
    """
    _check_keys(cfg)
    _check_readable(cfg)
    check_values(cfg, trains=trains)
    _check_nodes(cfg)


def check_values(values: Mapping[str, Any], changed: Sequence[str] | None = None, *, trains: bool = True) -> None:
    """Check the values alone, of a configuration whose keys are those of one that has been checked.

    Args:
        values: resolved; typed, or plain, which takes a fifth of the time.
        changed: settings in which it differs from that one, whose ranges alone are looked at; None for all.
        trains: see ``check``.

    Raises:
        UsageError: for the first setting that breaks a rule.
    """
    _check_objects(values)
    for key in RANGES if changed is None else _ranged(tuple(changed)):
        allowed = RANGES[key]
        value = OmegaConf.select(values, key) if isinstance(values, DictConfig) else _selected(values, key)
        if value is not None and not allowed.holds(value):
            raise UsageError(f"{key} must be {allowed.rule}, got {value}; set {key}")
    check_combinations(values, trains=trains)


def _selected(values: Any, key: str) -> Any:
    """A plain value deep inside; None where it is not there."""
    for part in key.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


@cache
def _ranged(changed: tuple[str, ...]) -> list[str]:
    """Settings with a range that are, hold, or are held by one of these: the same for all jobs of a sweep."""

    def touch(key: str, path: str) -> bool:
        return key == path or key.startswith(f"{path}.") or path.startswith(f"{key}.")

    return [key for key in RANGES if any(touch(key, path) for path in changed)]


def check_multirun(cfg: DictConfig) -> None:
    """Refuse what cannot be a job of a multirun.

    Lightning starts each further process of a strategy with the command line of this one: each would run the whole
    multirun again, out of step with the first.

    The report looks for each job in its folder of the multirun, and jobs in one folder take each other for finished.

    Raises:
        UsageError: where a job would run on several processes, or lie elsewhere.
    """
    folder = OmegaConf.to_container(cfg.paths, resolve=False)["output_dir"]  # type: ignore[call-overload, index]
    if folder != _FOLDER_OF_JOB:
        raise UsageError(
            f"a multirun's jobs must lie in its folder, got paths.output_dir={folder}; "
            "set hydra.sweep.dir and hydra.sweep.subdir instead"
        )
    devices = cfg.trainer.devices
    n_devices = len(devices) if isinstance(devices, ListConfig) else devices
    if str(n_devices) not in ("1", "auto") or cfg.trainer.num_nodes > 1:
        raise UsageError(
            f"a multirun's job must run on one device, got trainer.devices={devices} and "
            f"trainer.num_nodes={cfg.trainer.num_nodes}; set trainer.devices=1 and let a launcher run jobs side by "
            "side, or start the runs one by one without -m"
        )


def _check_nodes(cfg: DictConfig) -> None:
    """Refuse nodes that were not told of one another: Lightning would wait for them for half an hour."""
    if cfg.trainer.num_nodes > 1 and not any(name.startswith(_OF_CLUSTERS) for name in os.environ):
        raise UsageError(
            f"trainer.num_nodes={cfg.trainer.num_nodes} needs nodes that know of one another, got neither MASTER_ADDR "
            "nor NODE_RANK; set both on each node, or start with srun or torchrun"
        )


def _check_keys(cfg: DictConfig) -> None:
    """Refuse keys that were added with + to a part whose keys are fixed."""
    for path, node in _structured_parts(cfg):
        kind = OmegaConf.get_type(node)
        known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
        for key in node:
            if key not in known:
                raise UsageError(f"there is no setting {path}{key!s}; {did_you_mean(str(key), known)}")


def _structured_parts(cfg: DictConfig, path: str = "") -> Iterator[tuple[str, DictConfig]]:
    if is_dataclass(OmegaConf.get_type(cfg)):
        yield path, cfg
    for key in cfg:
        if OmegaConf.is_missing(cfg, key) or OmegaConf.is_interpolation(cfg, str(key)):
            continue
        node = cfg[key]
        if isinstance(node, DictConfig):
            yield from _structured_parts(node, f"{path}{key!s}.")


def _check_objects(values: Mapping[str, Any]) -> None:
    """Refuse parts that no object can be made of."""
    for group in ("callbacks", "logger"):
        for name, part in values[group].items():
            if part is not None and not (isinstance(part, Mapping) and isinstance(part.get("_target_"), str)):
                raise UsageError(f"{group}.{name!s} must be settings with a _target_, or null, got {part}; change it")
    network = values["model"].get("network")
    if not isinstance(network, Mapping) and "estimator" not in values["model"]:
        shown = "null" if network is None else network
        raise UsageError(
            f"model.network must be settings, got {shown}; type model.network._target_=<class>, or leave it out"
        )


def _check_readable(cfg: DictConfig) -> None:
    for key in ("data", "model", "optimizer", "scheduler", "trainer", "metrics", "monitor", "mode"):
        if OmegaConf.is_missing(cfg, key):
            raise UsageError(f"{key} must be set, got nothing; name an option, such as {key}=<option>")
        try:
            node = cfg[key]
            if OmegaConf.is_config(node):
                for missing in sorted(OmegaConf.missing_keys(node)):
                    raise UsageError(f"{missing} must be set, got nothing; type {missing}=<value>")
                OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
        except OmegaConfBaseException as error:
            raise UsageError(f"{key} cannot be read: {reason(error, lines=1)}") from error
