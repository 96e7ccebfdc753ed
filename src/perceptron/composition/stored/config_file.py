"""A run's ``config.yaml``: checked against the allow-list, and adjusted to where the folder lies now."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from perceptron.composition.settings.plain import plain
from perceptron.composition.stored.allow_list import check_trusted
from perceptron.composition.stored.configuration import typed
from perceptron.composition.stored.write_paths import check_write_paths
from perceptron.errors import UsageError
from perceptron.files.plain_values import map_texts
from perceptron.runs.folder import RENAMED_TARGETS, Run


def config_to_resume(run: Run, *, overrides: Sequence[str] = (), trust: Collection[str] = ()) -> DictConfig:
    """Configuration of a run's folder, to train with: typed and checked, with the paths of where the folder lies now.

    Args:
        run: whose configuration is wanted.
        overrides: settings in Hydra's syntax that replace the stored ones.
        trust: names and settings that the user adds to the allow-list.

    Raises:
        UsageError: if it is damaged, names code that is not on the list, or would write outside the folder.
    """
    where = str(_file(run))
    config = _relocated(trusted(run.config, where=where, trust=trust), run.folder)
    check_write_paths(config, run.folder, where=where, trust=[*trust, *_keys(overrides)])
    return typed(config, where=where, overrides=overrides)


def config_to_read(
    source: Path, embedded: Mapping[str, Any], *, overrides: Sequence[str] = (), trust: Collection[str] = ()
) -> DictConfig:
    """Configuration of a run's folder or of a checkpoint, without what writes files: for commands that only read.

    Args:
        source: a run's folder, whose ``config.yaml`` is read, or a checkpoint file.
        embedded: the configuration in the checkpoint, on the allow-list.
        overrides: settings in Hydra's syntax that replace the stored ones.
        trust: names that the user adds to the allow-list.

    Raises:
        UsageError: if it is damaged, or names code that is not on the list.
    """
    if "ckpt_path" in _keys(overrides):
        raise UsageError(
            "ckpt_path is where a training starts, and a finished run is named by run; type run=<checkpoint>"
        )
    if not source.is_dir():
        return typed(_read_only(embedded, source.parent), where=str(source), overrides=overrides, trains=False)
    run = Run(source)
    config = _read_only(_without_estimator(run, trust), source)
    return typed(config, where=str(_file(run)), overrides=overrides, trains=False)


def overridden_config(run: Run, *, overrides: Sequence[str], trust: Collection[str] = ()) -> dict[str, Any]:
    """Plain settings of a run's folder, with overrides in the place of the stored ones; nothing is built of them.

    Args:
        run: whose configuration is wanted.
        overrides: settings in Hydra's syntax that replace the stored ones.
        trust: names that the user adds to the allow-list.

    Raises:
        UsageError: if it is damaged, names code that is not on the list, or an override is wrong.
    """
    config = _without_estimator(run, trust)
    found = plain(typed(config, where=str(_file(run)), overrides=overrides, trains=False))
    return found | {"model": run.config["model"]} if run.is_estimator else found


def trusted(config: Mapping[str, Any], *, where: str, trust: Collection[str]) -> dict[str, Any]:
    """A stored configuration whose names are on the allow-list; names of earlier versions are replaced.

    Args:
        config: plain values.
        where: the file that they come from, for messages.
        trust: names that the user adds to the list.

    Raises:
        UsageError: if a name is not on the list.
    """
    renamed: dict[str, Any] = map_texts(dict(config), lambda text: RENAMED_TARGETS.get(text, text))
    check_trusted(renamed, where=where, trust=trust)
    return renamed


def may_download(config: DictConfig, *, overrides: Sequence[str], trust: Collection[str]) -> bool:
    """Whether the data may be downloaded: not if only a file names the data set.

    Args:
        config: with the overrides.
        overrides: of the command.
        trust: what the user admits; a data set among it may be downloaded.
    """
    is_typed = not {"data", "data.dataset", "data.dataset._target_"}.isdisjoint(_keys(overrides))
    dataset = plain(config.data).get("dataset")
    return is_typed or (dataset.get("_target_") if isinstance(dataset, Mapping) else None) in trust


def _without_estimator(run: Run, trust: Collection[str]) -> dict[str, Any]:
    """The stored configuration, names checked; an estimator, which nothing is read of, is left out of its model."""
    config = run.config
    if run.is_estimator:
        kept = trusted({**config, "model": None}, where=str(_file(run)), trust=trust)
        return {**kept, "model": {"_target_": config["model"]["_target_"], "estimator": {}}}
    return trusted(config, where=str(_file(run)), trust=trust)


def _keys(overrides: Sequence[str]) -> list[str]:
    """Settings that overrides replace as a whole; a dictionary merges with the stored one."""
    pairs = (override.lstrip("+~").partition("=") for override in overrides)
    return [key for key, _, value in pairs if not value.startswith("{")]


def _file(run: Run) -> Path:
    return run.folder / "config.yaml"


def _read_only(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration without callbacks, loggers and profilers, and with the folder as its output."""
    silent = dict(config) | {"callbacks": {}, "logger": {}}
    for group, own in (
        ("trainer", {"default_root_dir": None, "profiler": None}),
        ("paths", {"output_dir": str(folder.resolve())}),
    ):
        if isinstance(config.get(group), Mapping):
            silent[group] = {**config[group], **own}
    return silent


def _relocated(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration with all paths inside the run's former folder changed to where the folder lies now."""
    paths = config.get("paths")
    old = paths.get("output_dir") if isinstance(paths, dict) else None
    if not isinstance(old, str) or not old:
        return config
    new = str(folder.resolve())
    # The database of a search lies in the sweep's folder, beside the run's.
    old_database, new_database = (f"sqlite:///{Path(run).parent}/" for run in (old, new))

    def moved(text: str) -> str:
        if text.startswith(old_database):
            return new_database + text[len(old_database) :]
        return new + text[len(old) :] if text == old or text.startswith(f"{old}/") else text

    result: dict[str, Any] = map_texts(config, moved)
    return result
