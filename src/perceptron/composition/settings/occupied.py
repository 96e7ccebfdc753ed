"""Folders that hold the results of another run or sweep. Imports nothing heavy."""

import os
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.hydras import is_shared
from perceptron.errors import UsageError
from perceptron.runs.folder import Run, find_overrides

# What makes a folder is asked for once, by Hydra; and what it makes is new.
_NEW = ("${own_folder:", "${hydra:")


def check_new_run(config: DictConfig) -> None:
    """Refuse to train in the folder of a finished run, whose results would be replaced.

    Args:
        config: with ``hydra``; a folder that it names by a function is new and is not made yet.

    Raises:
        UsageError: where the folder holds results.
    """
    # The processes that train with the first one share its folder.
    if os.environ.get("LOCAL_RANK", "0") != "0":
        return
    for key, raw in (
        ("hydra.run.dir", _raw(config.hydra.run, "dir")),
        ("paths.output_dir", _raw(config.paths, "output_dir")),
    ):
        if any(function in raw for function in _NEW):
            continue
        folder = Path(str(OmegaConf.select(config, key)))
        if Run(folder.resolve()).is_finished:
            raise UsageError(
                f"a new run must not replace the results of another, got {key}={folder}, which is finished; name "
                f"another folder, train it for longer with perceptron resume run={folder}, or delete it first"
            )


def check_new_sweep(config: DictConfig) -> None:
    """Refuse to run a multirun in the folder of another one, whose results would be taken for its own.

    Args:
        config: with ``hydra``.

    Raises:
        UsageError: where the folder is that of a sweep of other settings.
    """
    raw = _raw(config.hydra.sweep, "dir")
    if any(function in raw for function in _NEW) or not is_shared(raw):
        return
    folder = Path(config.hydra.sweep.dir)
    stored = find_overrides(folder.resolve())
    typed = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    if stored is not None and stored != typed:
        raise UsageError(
            f"a new sweep must not take over the results of another, got hydra.sweep.dir={folder}, which is one of "
            f"other settings; name another folder, go on with sweep.resume={folder}, or delete it first"
        )


def _raw(part: DictConfig, key: str) -> str:
    values: Any = OmegaConf.to_container(part, resolve=False)
    return str(values[key])
