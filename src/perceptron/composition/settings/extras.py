"""Options of groups that need a package of an extra. Imports nothing heavy."""

from collections.abc import Mapping
from importlib.util import find_spec

from perceptron.errors import UsageError, missing_extra

# Option: module that it needs, extra that installs it.
_NEEDED = {
    "logger=mlflow": ("mlflow", "mlflow"),
    "logger=wandb": ("wandb", "wandb"),
    "hydra/sweeper=optuna": ("optuna", "optuna"),
    "hparams_search=optuna": ("optuna", "optuna"),
    "hydra/launcher=joblib": ("hydra_plugins.hydra_joblib_launcher", "joblib"),
    "hydra/launcher=submitit_local": ("hydra_plugins.hydra_submitit_launcher", "submitit"),
    "hydra/launcher=submitit_slurm": ("hydra_plugins.hydra_submitit_launcher", "submitit"),
    "hydra/launcher=ray": ("hydra_plugins.hydra_ray_launcher", "ray"),
}


def missing_extra_of(option: str) -> UsageError | None:
    """The error for an option, such as ``hydra/launcher=joblib``, whose extra is not installed; None for any other."""
    module, extra = _NEEDED.get(option, ("", ""))
    if not module or find_spec(module) is not None:
        return None
    return missing_extra(f"{option} needs the extra {extra}", extra)


def check_extras(choices: Mapping[str, str | list[str] | None]) -> None:
    """Check that the packages of the chosen options are installed.

    Args:
        choices: option of each group; several in a list, None for none.

    Raises:
        UsageError: for the first whose extra is not, which it names.
    """
    for group, chosen in choices.items():
        # A list for several loggers.
        for option in [chosen] if isinstance(chosen, str | None) else chosen:
            if (error := missing_extra_of(f"{group}={option}")) is not None:
                raise error
