"""Checks of the folders that a run or a multirun is about to write to. Imports nothing heavy."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.sweep_options import FILTER
from perceptron.errors import UsageError
from perceptron.files.containment import check_contained
from perceptron.invocation import for_shell
from perceptron.runs.folder import Run, sweep_filter, sweep_overrides

# A folder that these name is new, and asking for it makes it.
_NEW = ("${own_folder:", "${hydra:")
# OmegaConf caches what these return, so that all jobs have the same.
_CACHED = re.compile(r"\$\{own_folder:.*|\$\{now:[^}]*\}")
_HYDRA_FOLDER = ".hydra"
_BY_NUMBER = "${hydra.job.num}"


def check_new_run(config: DictConfig) -> None:
    """Check that a run replaces no finished one, and that no link leads out of its folder.

    Args:
        config: with ``hydra``.

    Raises:
        UsageError: where it does.
    """
    # The processes of a strategy share the folder of the first.
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return
    for key in ("hydra.run.dir", "paths.output_dir"):
        folder = _existing(config, key)
        if folder is not None and Run(folder.resolve()).is_finished:
            raise UsageError(
                f"a new run must not replace the results of another, got {key}={folder}, which is finished; name "
                f"another folder, train it for longer with perceptron resume {for_shell('run', folder)}, or delete it "
                "first"
            )


def check_new_sweep(config: DictConfig) -> None:
    """Check that a multirun takes over no other one's folder, and that no link leads out of its own.

    Args:
        config: with ``hydra``.

    Raises:
        UsageError: where the folder has such links, or is that of a sweep of other settings.
    """
    folder = _existing(config, "hydra.sweep.dir")
    if folder is None or not is_shared(_raw(config, "hydra.sweep.dir")):
        return
    stored = sweep_overrides(folder.resolve())
    typed = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    is_filtered_alike = sweep_filter(folder.resolve()) == OmegaConf.select(config, FILTER)
    if stored is not None and (stored != typed or not is_filtered_alike):
        raise UsageError(
            f"a new sweep must not take over the results of another, got hydra.sweep.dir={folder}, which is one of "
            f"other settings; name another folder, go on with {for_shell('sweep.resume', folder)}, or delete it first"
        )


def existing_sweep(config: DictConfig) -> Path | None:
    """The folder of a multirun that goes on; None for one that is new.

    Args:
        config: with ``hydra``.
    """
    folder = _existing(config, "hydra.sweep.dir")
    return folder if folder is not None and folder.is_dir() else None


def check_numbers(config: DictConfig, jobs: Sequence[Sequence[str]]) -> None:
    """Check that the jobs of a filtered sweep which are in its folder have the numbers that they had.

    A filter may name settings that a file sets, and with other values it leaves other jobs.

    Args:
        config: with ``hydra``.
        jobs: overrides of each.

    Raises:
        UsageError: where a job would take over the results of another.
    """
    folder = _existing(config, "hydra.sweep.dir")
    if folder is None or _raw(config, "hydra.sweep.subdir") != _BY_NUMBER:
        return
    for number, overrides in enumerate(jobs):
        run = Run(folder / str(number))
        if (run.folder / _HYDRA_FOLDER / "overrides.yaml").is_file() and run.overrides != list(overrides):
            raise UsageError(
                f"sweep.filter must leave the jobs of its sweep under their numbers, got job {number} with "
                f"{' '.join(overrides)}, which had {' '.join(run.overrides)} in {folder}; restore the settings that "
                "the filter names, or start another sweep"
            )


def check_job_folders(config: DictConfig) -> None:
    """Check that each job of a multirun has a folder of its own, in which the summary finds it.

    Jobs in one folder take each other for finished.

    Args:
        config: with ``hydra``.

    Raises:
        UsageError: where it has not.
    """
    folder, subdir = _raw(config, "hydra.sweep.dir"), _raw(config, "hydra.sweep.subdir")
    if "${" not in subdir and is_shared(folder):
        raise UsageError(
            f"each job of a multirun must have a folder of its own, got hydra.sweep.subdir={subdir}; "
            "put a setting into it, such as ${seed}, or leave it out"
        )
    if Path(subdir).is_absolute() or ".." in Path(subdir).parts:
        raise UsageError(f"hydra.sweep.subdir must be in hydra.sweep.dir, got {subdir}; set hydra.sweep.dir, too")
    if config.hydra.output_subdir != _HYDRA_FOLDER:
        raise UsageError(
            f"a multirun's jobs are found by their folder {_HYDRA_FOLDER}, got "
            f"hydra.output_subdir={config.hydra.output_subdir}; leave it out"
        )


def is_shared(folder: str) -> bool:
    """Whether all jobs of a sweep lie in one folder.

    Args:
        folder: ``hydra.sweep.dir`` as typed, which may interpolate job settings.
    """
    return "${" not in _CACHED.sub("", folder)


def _existing(config: DictConfig, key: str) -> Path | None:
    """The folder that a setting names; None for one that is made when the setting is resolved.

    Raises:
        UsageError: where a link leads out of it. The links in the folder that the command is typed in, or in one around
            it, are the user's own.
    """
    if any(function in _raw(config, key) for function in _NEW):
        return None
    try:
        folder = Path(str(OmegaConf.select(config, key)))
    except OmegaConfBaseException:
        # It depends on the job.
        return None
    if not Path.cwd().is_relative_to(folder.absolute()):
        check_contained(folder)
    return folder


def _raw(config: DictConfig, key: str) -> str:
    """A setting as it was typed, interpolations as such."""
    group, _, name = key.rpartition(".")
    values: Any = OmegaConf.to_container(OmegaConf.select(config, group), resolve=False)
    return str(values[name])
