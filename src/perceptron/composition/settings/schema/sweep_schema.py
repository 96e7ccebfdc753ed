"""Types and allowed values of the project's launcher and sweeper. Imports nothing heavy."""

from dataclasses import dataclass, field
from typing import Any

from perceptron.composition.settings.schema.constraints import ABOVE_0, AT_LEAST_1, Constraint, one_of, setting
from perceptron.passwords import has_password, without_password

_STORAGE = Constraint(
    "a URL without a password, which would be written to every job's folder, or env:<name> for an environment "
    "variable that holds the URL",
    lambda value: not has_password(value),
    shown=without_password,
)
_WHOLE = Constraint("a whole number of at least 1", lambda value: isinstance(value, int) and AT_LEAST_1.holds(value))
# -1 stands for all cores.
_N_JOBS = Constraint("at least 1, or -1 for all cores", lambda value: value == -1 or AT_LEAST_1.holds(value))


@dataclass
class PopulationLauncherConf:
    """Arguments of ``hydra_plugins.perceptron_launchers.population_launcher.PopulationLauncher``."""

    _target_: str = "hydra_plugins.perceptron_launchers.population_launcher.PopulationLauncher"
    max_members: int | None = setting(None, AT_LEAST_1)
    cluster: str | None = setting(None, one_of("ray", "auto"))


@dataclass
class OptunaSweeperConf:
    """Arguments of ``hydra_plugins.perceptron_sweepers.optuna_sweeper.OptunaSweeper``."""

    _target_: str = "hydra_plugins.perceptron_sweepers.optuna_sweeper.OptunaSweeper"
    _recursive_: bool = False
    n_trials: int = setting(50, AT_LEAST_1)
    n_jobs: int = setting(1, AT_LEAST_1)
    storage: str | None = setting(None, _STORAGE)
    study_name: str = "search"
    params: dict[str, Any] = field(default_factory=dict)
    sampler: dict[str, Any] = field(default_factory=dict)
    pruner: dict[str, Any] = field(default_factory=dict)


@dataclass
class BasicSweeperConf:
    """Constraints of Hydra's basic sweeper."""

    max_batch_size: int | None = setting(None, AT_LEAST_1)


@dataclass
class JoblibLauncherConf:
    """Constraints of the launcher of the package hydra-joblib-launcher."""

    n_jobs: int = setting(-1, _N_JOBS)


@dataclass
class SweepOptionsConf:
    """Constraints of the options of sweeps, which the command line calls ``sweep.filter`` and so on."""

    filter: str | None = setting(None, Constraint("a text", lambda value: isinstance(value, str)))
    max_jobs: int | None = setting(None, _WHOLE)
    max_hours: float | None = setting(None, ABOVE_0)
    dry_run: bool = setting(False, Constraint("true or false", lambda value: isinstance(value, bool)))
