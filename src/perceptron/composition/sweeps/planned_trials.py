"""How many trials a search will have. Imports nothing heavy."""

import math
from collections.abc import Mapping
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.sweep_options import is_search
from perceptron.composition.sweeps.search_space import SearchSpace, parse_space


def planned_trials(config: DictConfig, loader: ConfigLoader) -> int | None:
    """Number of trials that a search will have at most; None if its sweeper does not say.

    Args:
        config: the multirun's, with ``hydra``.
        loader: Hydra's.
    """
    sweeper = config.hydra.sweeper
    if not is_search(config):
        return int(sweeper.n_trials) if "n_trials" in sweeper else None
    settings: Any = OmegaConf.to_container(sweeper, resolve=True)
    size = space_of(config, loader).size() if is_grid(settings) else None
    return int(min(settings["n_trials"], size or math.inf))


def space_of(config: DictConfig, loader: ConfigLoader) -> SearchSpace:
    """What a search draws from.

    Raises:
        UsageError: if a setting of the space is not valid.
    """
    params: Any = OmegaConf.to_container(config.hydra.sweeper.params, resolve=False)
    typed: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    return parse_space(params or {}, typed, loader)


def is_grid(settings: Mapping[str, Any]) -> bool:
    """Whether the sampler tries all combinations.

    Args:
        settings: of ``hydra.sweeper``.
    """
    return str(settings["sampler"]["_target_"]).endswith(".BruteForceSampler")
