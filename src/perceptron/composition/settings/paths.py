"""Paths of data, which outlive the folder where they were typed. Imports nothing heavy."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.plain import replaced

_ARRAYS = "perceptron.data.table_from_arrays"
_SVMLIGHT = "sklearn.datasets.load_svmlight_file"
# Of these, data=arrays takes a column's name as target.
_PARQUET = (".parquet", ".pq")


def with_absolute_paths(values: dict[str, Any]) -> dict[str, Any]:
    """A plain configuration with the paths of its data as they are from any working folder.

    Args:
        values: with paths relative to the folder where the command was typed.
    """
    return replaced(values, dict(_absolute(values)))  # type: ignore[no-any-return]


def follow_the_job(cfg: DictConfig) -> None:
    """Make paths of data absolute where Hydra has changed the working folder, as ``hydra.job.chdir=true`` does."""
    if Path.cwd() != _typed_in():
        for key, path in _absolute(cfg):
            OmegaConf.update(cfg, key, path)


def _absolute(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings that are paths, and the absolute ones."""
    is_arrays = _at(values, "data._target_") == _ARRAYS
    has_target = is_arrays and not str(_at(values, "data.features")).endswith(_PARQUET)
    keys = ["data.path", "data.test_path", "ckpt_path", *["data.features"] * is_arrays, *["data.target"] * has_target]
    if _at(values, "data.dataset._target_") == _SVMLIGHT:
        keys.append("data.dataset.f")
    for key in keys:
        path = _at(values, key)
        if isinstance(path, str) and path and "://" not in path:
            yield key, str(_typed_in() / Path(path).expanduser())


def _at(values: Mapping[str, Any], key: str) -> Any:
    """A value deep inside; None where it is not there or not set."""
    if isinstance(values, DictConfig):
        return OmegaConf.select(values, key, throw_on_missing=False)
    found: Any = values
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _typed_in() -> Path:
    """The folder where the command was typed."""
    hydras = HydraConfig.instance().cfg
    typed_in = None
    if hydras is not None:
        typed_in = OmegaConf.select(hydras, "hydra.runtime.cwd", throw_on_missing=False)  # type: ignore[arg-type]
    return Path(typed_in or os.getcwd())  # noqa: PTH109
