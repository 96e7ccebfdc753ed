"""OmegaConf resolvers: functions that YAML files call as ``${name:argument}``."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from perceptron.composition.settings.metrics_group import direction_of
from perceptron.runs.folder import sweep_overrides
from perceptron.sweeps.setting_names import job_name
from perceptron.tasks import Direction


def _default_monitor(val_fraction: float) -> str:
    return "val/loss" if val_fraction else "train/loss"


def _mode_of(
    own: str, monitor: str, mode: Direction | None, metrics: Mapping[str, Any] | None = None
) -> Direction | None:
    """Mode of a part that monitors ``own``: the run's for the run's metric, else the metric's direction."""
    return mode if own == monitor else direction_of(own, metrics)


def _own_folder(wanted: str) -> str:
    """Make a new folder, with a number behind its name where that exists; its path."""
    folder = Path(wanted)
    folder.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
            folder = Path(f"{wanted}_{number}")
        else:
            return str(folder)


def _sweep_name(of_single_run: str | None = None) -> str | None:
    """Name of the folder of the sweep that the job belongs to."""
    hydra = HydraConfig.get()
    return of_single_run if OmegaConf.is_missing(hydra.job, "num") else Path(hydra.sweep.dir).name


def _run_name(folder: str) -> str:
    """Name of a run's folder, that of a job behind its sweep's."""
    sweep, name = _sweep_name(), Path(folder).name
    return name if sweep is None else f"{sweep}/{name}"


def _varied() -> str:
    """Name of a sweep's job by the settings that the sweep varies; empty for a single run, and without Hydra."""
    if not HydraConfig.initialized() or OmegaConf.is_missing(HydraConfig.get().job, "num"):
        return ""
    hydra = HydraConfig.get()
    # Unresolved, for the texts may hold interpolations.
    overrides: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    sweep = Path(hydra.runtime.cwd, str(hydra.sweep.dir))
    command = sweep / "multirun.yaml"
    written = command.stat().st_mtime_ns if command.is_file() else 0
    return job_name(overrides, of_sweep=_overrides(sweep, written))


# Reading the file takes longer (27 ms, measured) than a small job that trains beside others.
@lru_cache(maxsize=1)
def _overrides(sweep: Path, written: int) -> list[str]:  # noqa: ARG001
    """Overrides of a sweep's command line; it is read again where it was ``written`` again."""
    return list(map(str, sweep_overrides(sweep) or []))


def register_resolvers() -> None:
    """Register them with OmegaConf; a second call changes nothing."""
    OmegaConf.register_new_resolver("default_monitor", _default_monitor, replace=True)
    OmegaConf.register_new_resolver("direction_of", direction_of, replace=True)
    OmegaConf.register_new_resolver("mode_of", _mode_of, replace=True)
    OmegaConf.register_new_resolver("sweep_name", _sweep_name, replace=True)
    OmegaConf.register_new_resolver("run_name", _run_name, replace=True)
    OmegaConf.register_new_resolver("varied", _varied, replace=True)
    OmegaConf.register_new_resolver("joined", " ".join, replace=True)
    # Cached: Hydra resolves the folder several times, and it must be made once.
    OmegaConf.register_new_resolver("own_folder", _own_folder, use_cache=True, replace=True)
