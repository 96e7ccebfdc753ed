"""Hydra's own settings where a wrong value would end in a traceback, or after something was written."""

from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from perceptron.errors import UsageError

_COUNTS = ("launcher.max_members", "sweeper.max_batch_size", "sweeper.n_trials", "sweeper.n_jobs")


def check_hydra(hydra: DictConfig) -> None:
    """Check how many jobs a launcher and a sweeper are to run at once, and in all.

    Args:
        hydra: the composed node of that name.

    Raises:
        UsageError: for the first that is no such number.
    """
    for key in _COUNTS:
        count: Any = OmegaConf.select(hydra, key)
        if count is not None and not (_is_whole(count) and count >= 1):
            raise UsageError(f"hydra.{key} must be at least 1, got {count}; set hydra.{key}, or leave it out")
    at_once: Any = OmegaConf.select(hydra, "launcher.n_jobs")
    if at_once is not None and (not _is_whole(at_once) or at_once == 0):
        raise UsageError(
            f"hydra.launcher.n_jobs must be at least 1, or -1 for all cores, got {at_once}; set another number"
        )


def swept_by_settings() -> list[str]:
    """What the configuration that was composed last has Hydra's own sweeper sweep, as overrides."""
    sweeper: Any = HydraConfig.get().sweeper
    if not sweeper._target_.endswith(".BasicSweeper"):
        return []
    return [f"{key}={value}" for key, value in (sweeper.params or {}).items()]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
