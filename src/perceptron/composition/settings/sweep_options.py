"""``sweep.filter``, ``sweep.max_jobs``, ``sweep.max_hours`` and ``sweep.dry_run``. Imports nothing heavy.

They belong to a multirun and to none of its jobs. Hydra hands a setting outside of ``hydra`` to every job, so they lie
at the callback of sweeps, and the command line names them without its path.
"""

from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.schema.constraints import check_constraint, constraints_of
from perceptron.composition.settings.schema.sweep_schema import SweepOptionsConf
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean
from perceptron.sweeps.combination_filter import CombinationFilter

NODE = "hydra.callbacks.sweep"
FILTER = f"{NODE}.filter"
MAX_JOBS, MAX_HOURS = f"{NODE}.max_jobs", f"{NODE}.max_hours"
_PREFIX = "sweep."
_NAMES = ("dry_run", "filter", "max_hours", "max_jobs")
# Read before Hydra starts; each stands for other arguments.
_REPLACED = ("best", "resume")
_BASIC, _SEARCH = ".BasicSweeper", ".OptunaSweeper"


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """What a multirun is asked before it starts.

    Attributes:
        filter: which combinations are run; None for all.
        max_jobs: with more, the sweep is refused; None for any number.
        max_hours: after which no job is started; None for no end.
        dry_run: whether to print a plan in place of running.
    """

    filter: CombinationFilter | None
    max_jobs: int | None
    max_hours: float | None
    dry_run: bool


def sweep_options(config: DictConfig) -> SweepOptions:
    """The options of a multirun.

    Args:
        config: the multirun's, with ``hydra``.

    Raises:
        UsageError: for a value that breaks a rule, or an option that the sweeper cannot follow.
    """
    node: Any = OmegaConf.select(config, NODE)
    if node is not None and OmegaConf.is_interpolation(node, "filter"):
        # It would be resolved once, and not for each combination.
        raise _no_interpolation("an interpolation")
    values = {name: None if node is None else node.get(name) for name in _NAMES}
    for name, constraint in constraints_of(SweepOptionsConf).items():
        check_constraint(f"{_PREFIX}{name}", values[name], constraint)
    for name, value in values.items():
        if value not in (None, False) and not (is_basic(config) or is_search(config)):
            raise UsageError(
                f"{_PREFIX}{name} needs a sweeper of this project, got {config.hydra.sweeper._target_}; set "
                "hydra/sweeper=basic or optuna, or leave it out"
            )
    text = values["filter"]
    return SweepOptions(
        filter=None if text is None else CombinationFilter(str(text)),
        max_jobs=values["max_jobs"],
        max_hours=values["max_hours"],
        dry_run=bool(values["dry_run"]),
    )


def is_basic(config: DictConfig) -> bool:
    """Whether a multirun runs all combinations of its values."""
    return str(config.hydra.sweeper._target_).endswith(_BASIC)


def is_search(config: DictConfig) -> bool:
    """Whether a multirun is a search by this project's sweeper."""
    return str(config.hydra.sweeper._target_).endswith(_SEARCH)


def check_no_options(config: DictConfig) -> None:
    """Refuse options of sweeps that were typed for a single run.

    Args:
        config: the run's, with ``hydra``.

    Raises:
        UsageError: if there is one.
    """
    typed: Any = OmegaConf.to_container(config.hydra.overrides.hydra, resolve=False)
    for text in typed:
        if text.startswith(f"{NODE}."):
            name = text.partition("=")[0].removeprefix(f"{NODE}.")
            raise UsageError(f"{_PREFIX}{name} needs a multirun, got a single run; type -m, or leave it out")


def is_option(typed: str) -> bool:
    """Whether an override sets an option of sweeps under its short name."""
    return typed.startswith(_PREFIX) and "=" in typed


def option_in_hydras_form(typed: str) -> str:
    """``hydra.callbacks.sweep.max_jobs=9`` for ``sweep.max_jobs=9``; an expression is quoted.

    Raises:
        UsageError: if there is no such option.
    """
    key, _, value = typed.partition("=")
    name = key.removeprefix(_PREFIX)
    if name not in _NAMES:
        nearest = did_you_mean(key, [f"{_PREFIX}{known}" for known in (*_NAMES, *_REPLACED)])
        raise UsageError(f"there is no setting {key}; {nearest}")
    if name == "filter" and value != "null":
        if "${" in value:
            raise _no_interpolation(value)
        # Hydra's grammar has no operators.
        value = QuotedString(text=value.replace("\n", " "), quote=Quote.single).with_quotes()
    return f"{NODE}.{name}={value}"


def _no_interpolation(text: str) -> UsageError:
    return UsageError(f"{_PREFIX}filter names settings without ${{}}, got {text}; write seed < 2 for ${{seed}} < 2")
