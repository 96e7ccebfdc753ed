"""Paths of data and checkpoints, relative to the folder where the command was typed. Imports nothing heavy."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.plain import find, plain, replaced
from perceptron.files.patterns import matching_files

_ARRAYS = "perceptron.data.table_from_arrays"
_SVMLIGHT = "sklearn.datasets.load_svmlight_file"
# From these files data=arrays takes a column as target, which is no path.
_PARQUET = (".parquet", ".pq")


def with_absolute_paths(values: dict[str, Any]) -> dict[str, Any]:
    """A plain configuration whose paths are absolute, so that they hold in any working folder.

    Args:
        values: with paths relative to the folder where the command was typed.
    """
    return replaced(values, dict(_absolute(values)))  # type: ignore[no-any-return]


def make_data_paths_absolute(cfg: DictConfig) -> None:
    """Make the paths absolute, in place, where ``hydra.job.chdir=true`` has changed the working folder."""
    if Path.cwd() != _command_folder():
        for key, path in _absolute(plain(cfg)):
            OmegaConf.update(cfg, key, path)


def _absolute(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of the settings that are paths, each with its absolute path."""
    for key, path in path_settings(values):
        yield key, str(_command_folder() / Path(path).expanduser())


def check_tables_exist(data: Mapping[str, Any]) -> None:
    """Check that there are files where the group ``data`` names tables by paths or patterns.

    Raises:
        UsageError: for the first path that names none.
    """
    for key in ("path", "test_path"):
        path = data.get(key)
        if isinstance(path, str):
            matching_files(path, f"data.{key}", folder=_command_folder())


def path_settings(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of the settings that are paths of files, each with its value; settings that are URLs are none."""
    is_arrays = find(values, "data._target_") == _ARRAYS
    has_target = is_arrays and not str(find(values, "data.features")).endswith(_PARQUET)
    keys = ["data.path", "data.test_path", "ckpt_path", *["data.features"] * is_arrays, *["data.target"] * has_target]
    if find(values, "data.dataset._target_") == _SVMLIGHT:
        keys.append("data.dataset.f")
    for key in keys:
        path = find(values, key)
        if isinstance(path, str) and path and "://" not in path:
            yield key, path


def _command_folder() -> Path:
    """The folder where the command was typed."""
    return Path(HydraConfig.get().runtime.cwd) if HydraConfig.initialized() else Path.cwd()
