"""Folders that exist before a run or a sweep: links that lead out of them, results of others. Imports nothing heavy."""

import os
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.hydras import is_shared
from perceptron.errors import UsageError
from perceptron.files.containment import check_contained
from perceptron.runs.folder import Run, sweep_overrides

# What makes a folder is asked for once, by Hydra; and what it makes is new.
_NEW = ("${own_folder:", "${hydra:")


def check_new_run(config: DictConfig) -> None:
    """Refuse to train in a folder with links out of it, or in that of a finished run, whose results would be replaced.

    Args:
        config: with ``hydra``; a folder that it names by a function is new and is not made yet.

    Raises:
        UsageError: where the folder holds such links or results.
    """
    # The processes that train with the first one share its folder.
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return
    for key in ("hydra.run.dir", "paths.output_dir"):
        folder = _existing(config, key)
        if folder is not None and Run(folder.resolve()).is_finished:
            raise UsageError(
                f"a new run must not replace the results of another, got {key}={folder}, which is finished; name "
                f"another folder, train it for longer with perceptron resume run={folder}, or delete it first"
            )


def check_new_sweep(config: DictConfig) -> None:
    """Refuse a multirun in a folder with links out of it, or in that of another one, whose results it would take.

    Args:
        config: with ``hydra``.

    Raises:
        UsageError: where the folder holds such links, or is that of a sweep of other settings.
    """
    folder = _existing(config, "hydra.sweep.dir")
    if folder is None or not is_shared(_raw(config, "hydra.sweep.dir")):
        return
    stored = sweep_overrides(folder.resolve())
    typed = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    if stored is not None and stored != typed:
        raise UsageError(
            f"a new sweep must not take over the results of another, got hydra.sweep.dir={folder}, which is one of "
            f"other settings; name another folder, go on with sweep.resume={folder}, or delete it first"
        )


def _existing(config: DictConfig, key: str) -> Path | None:
    """The folder that a setting names; None for a new one, whose making the setting asks for.

    Raises:
        UsageError: where a link leads out of it. The links in the folder that the command is typed in, or in one around
            it, are the user's own.
    """
    if any(function in _raw(config, key) for function in _NEW):
        return None
    try:
        folder = Path(str(OmegaConf.select(config, key)))
    except OmegaConfBaseException:
        # Hydra says what is wrong with it.
        return None
    if not Path.cwd().is_relative_to(folder.absolute()):
        check_contained(folder)
    return folder


def _raw(config: DictConfig, key: str) -> str:
    group, _, name = key.rpartition(".")
    values: Any = OmegaConf.to_container(OmegaConf.select(config, group), resolve=False)
    return str(values[name])
