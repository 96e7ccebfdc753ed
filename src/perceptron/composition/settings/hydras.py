"""Hydra's own settings where a wrong value would end in a traceback, or after something was written."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from perceptron.errors import UsageError
from perceptron.passwords import has_password, without_password

_COUNTS = ("launcher.max_members", "sweeper.max_batch_size", "sweeper.n_trials", "sweeper.n_jobs")
# Hydra's rule for its plugins.
_PLUGINS = ("hydra_plugins.", "hydra._internal.core_plugins.")
# OmegaConf's functions with a memory give all jobs the same.
_SHARED = re.compile(r"\$\{own_folder:.*|\$\{now:[^}]*\}")
_NUMBER = re.compile(r"\$\{hydra:job\.(num|id)\}")
_OF_HYDRA = ".hydra"


def check_hydra(hydra: DictConfig) -> None:
    """Check the launcher, the sweeper, and how many jobs they are to run at once, and in all.

    Args:
        hydra: the composed node of that name.

    Raises:
        UsageError: for the first that cannot be.
    """
    for part in ("launcher", "sweeper"):
        target: Any = OmegaConf.select(hydra, f"{part}._target_") if hydra[part] is not None else None
        if not str(target).startswith(_PLUGINS):
            raise UsageError(f"hydra.{part}._target_ must be a plugin of Hydra's, got {target}; set hydra/{part}")
    for key in _COUNTS:
        count: Any = OmegaConf.select(hydra, key)
        if count is not None and not (_is_whole(count) and count >= 1):
            raise UsageError(f"hydra.{key} must be at least 1, got {count}; set hydra.{key}, or leave it out")
    storage: Any = OmegaConf.select(hydra, "sweeper.storage")
    if isinstance(storage, str) and has_password(storage):
        raise UsageError(
            f"hydra.sweeper.storage must hold no password, which would be written to every job's folder, got "
            f"{without_password(storage)}; put the URL into an environment variable and type "
            "hydra.sweeper.storage=env:<its name>"
        )
    at_once: Any = OmegaConf.select(hydra, "launcher.n_jobs")
    if at_once is not None and (not _is_whole(at_once) or at_once == 0):
        raise UsageError(
            f"hydra.launcher.n_jobs must be at least 1, or -1 for all cores, got {at_once}; set another number"
        )
    names = hydra.verbose if OmegaConf.is_list(hydra.verbose) else [hydra.verbose]
    if not all(isinstance(name, str) for name in names) and not isinstance(hydra.verbose, bool):
        raise UsageError(
            f"hydra.verbose must be true, false or names of loggers, got {hydra.verbose}; set hydra.verbose"
        )


def check_folders_of_jobs(hydra: DictConfig) -> None:
    """Check that each job of a multirun has a folder of its own in which the report finds it.

    Jobs in one folder take each other for finished.

    Args:
        hydra: the composed node of that name.

    Raises:
        UsageError: where it has not.
    """
    raw: Any = OmegaConf.to_container(hydra.sweep, resolve=False)
    folder, subdir = str(raw["dir"]), str(raw["subdir"])
    if "${" not in subdir and is_shared(folder):
        raise UsageError(
            f"each job of a multirun must have a folder of its own, got hydra.sweep.subdir={subdir}; "
            "put a setting into it, such as ${seed}, or leave it out"
        )
    if Path(subdir).is_absolute() or ".." in Path(subdir).parts:
        raise UsageError(f"hydra.sweep.subdir must be in hydra.sweep.dir, got {subdir}; set hydra.sweep.dir, too")
    if hydra.output_subdir != _OF_HYDRA:
        raise UsageError(
            f"a multirun's jobs are found by their folder {_OF_HYDRA}, got hydra.output_subdir={hydra.output_subdir}; "
            "leave it out"
        )


def is_shared(folder: str) -> bool:
    """Whether a sweep's folder is one for all jobs: its name, as typed, can have a job's settings in it."""
    return "${" not in _SHARED.sub("", folder)


def asks_for_jobs(overrides: Iterable[Override]) -> bool:
    """Whether ``hydra.mode`` asks for a multirun, as ``-m`` does."""
    modes = [override.value() for override in overrides if override.key_or_group == "hydra.mode"]
    return RunMode.MULTIRUN.name in modes


def check_no_numbers(overrides: Iterable[Override]) -> None:
    """Refuse a job's number in a single run.

    Raises:
        UsageError: for the first override that has it.
    """
    for text in (str(override.input_line) for override in overrides):
        if _NUMBER.search(text):
            raise UsageError(f"only a job of a multirun has a number, got {text}; type a value, or -m before it")


def swept_by_settings() -> list[str]:
    """What the configuration that was composed last has Hydra's own sweeper sweep, as overrides."""
    sweeper: Any = HydraConfig.get().sweeper
    if not sweeper._target_.endswith(".BasicSweeper"):
        return []
    return [f"{key}={value}" for key, value in (sweeper.params or {}).items()]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
