"""A search's package and space, checked before anything is written."""

from importlib.util import find_spec
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from perceptron.composition.settings.checks import check
from perceptron.composition.settings.job_settings import job_settings
from perceptron.composition.settings.sweep_values import composed_job
from perceptron.composition.sweeps.job_list import Admission
from perceptron.composition.sweeps.search_space import SearchSpace
from perceptron.errors import UsageError, missing_extra


def need_optuna() -> None:
    """Import Optuna and have it report nothing but warnings.

    Raises:
        UsageError: if it is not installed.
    """
    if find_spec("optuna") is None:
        raise missing_extra("hydra/sweeper=optuna needs the package optuna", "optuna")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)


def check_space(
    space: SearchSpace, config: DictConfig, loader: ConfigLoader, admission: Admission | None
) -> dict[str, Any]:
    """Compose and check every choice and both ends of every range, and the names that the filter has.

    Returns:
        The plain values of the first configuration.
    """
    if not space.dimensions:
        raise UsageError("a search must have something to search, got no range; type 'optimizer.lr=interval(0.001, 1)'")
    composed = []
    for overrides in space.samples():
        with job_settings(composed_job(config, overrides, loader), in_multirun=True) as cfg:
            composed.append(check(cfg))
    if admission is not None:
        # They show every choice, and the ends of every range.
        admission.admitted(space.samples())
    monitors = list(dict.fromkeys(values["monitor"] for values in composed))
    if len(monitors) > 1:
        raise UsageError(
            f"a search compares its trials by one metric, got {', '.join(monitors)}; set monitor to one of them"
        )
    return composed[0]
