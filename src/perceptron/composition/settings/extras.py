"""Options that need a package which is not always installed. Imports nothing heavy."""

from collections.abc import Iterable
from importlib.util import find_spec

from perceptron.errors import missing_extra

# Option: module that it needs, extra that brings it.
_NEEDED = {
    "hydra/sweeper=optuna": ("optuna", "optuna"),
    "hparams_search=optuna": ("optuna", "optuna"),
    "hydra/launcher=joblib": ("hydra_plugins.hydra_joblib_launcher", "joblib"),
    "hydra/launcher=submitit_local": ("hydra_plugins.hydra_submitit_launcher", "submitit"),
    "hydra/launcher=submitit_slurm": ("hydra_plugins.hydra_submitit_launcher", "submitit"),
    "hydra/launcher=ray": ("hydra_plugins.hydra_ray_launcher", "ray"),
}


def check_extras(overrides: Iterable[str]) -> None:
    """Name the extra that an override needs.

    Raises:
        UsageError: where its package is missing.
    """
    for override in overrides:
        module, extra = _NEEDED.get(override, ("", ""))
        if module and find_spec(module) is None:
            raise missing_extra(f"{override} needs the extra {extra}", extra)
