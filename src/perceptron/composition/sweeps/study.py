"""Optuna's study of a search: its database, samplers, pruners and the results it is told."""

import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from hydra.utils import instantiate

from perceptron.composition.sweeps.checked_space import is_grid
from perceptron.errors import UsageError, reason
from perceptron.passwords import without_password
from perceptron.randomness import Stream, derive_seed
from perceptron.sweeps.job_folders import Job, State

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

log = logging.getLogger(__name__)
# Seeds of NumPy's legacy generator are below this.
_N_SEEDS = 2**32


@contextmanager
def readable_study(storage: str) -> Iterator[None]:
    """Turn the exceptions of a damaged database into one line.

    Args:
        storage: URL of the database.

    Raises:
        UsageError: if a table or a value in it is not what Optuna has written.
    """
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    # Optuna converts the values in the tables without checking them.
    except (OptunaError, SQLAlchemyError, LookupError, ValueError, TypeError, AttributeError, AssertionError) as error:
        raise UsageError(
            f"a search's database must be as the search left it, got {type(error).__name__}: "
            f"{without_password(reason(error, lines=1))} in {without_password(storage)}; restore it, or search anew in "
            "another folder"
        ) from error


@contextmanager
def open_study(settings: Mapping[str, Any], storage: str, *, mode: str) -> Iterator["Study"]:
    """The study in a database, which may hold trials of a search that was killed; closed at the end.

    Args:
        settings: of ``hydra.sweeper``.
        storage: URL of the database.
        mode: ``min`` or ``max``, the direction in which the monitored metric improves.

    Raises:
        UsageError: if the database cannot be opened, or its study has the other direction.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    from perceptron.callbacks.pruning import storage_url

    direction: Literal["maximize", "minimize"] = "maximize" if mode == "max" else "minimize"
    try:
        connection = optuna.storages.RDBStorage(storage_url(storage))
        study = optuna.create_study(
            storage=connection,
            study_name=settings["study_name"],
            direction=direction,
            pruner=instantiate(settings["pruner"]),
            load_if_exists=True,
        )
    except (SQLAlchemyError, ValueError, ImportError) as error:
        raise UsageError(
            f"hydra.sweeper.storage must be a database's URL, got {storage}: "
            f"{without_password(reason(error, lines=1))}; name "
            "another, or leave it out for search.db in the sweep's folder"
        ) from error
    try:
        # For an existing study Optuna ignores the direction that it is given.
        if study.direction.name.lower() != direction:
            raise UsageError(
                f"the study {settings['study_name']} in {storage} has a metric to {study.direction.name.lower()}, got "
                f"mode={mode}; set another hydra.sweeper.study_name or hydra.sweeper.storage"
            )
        yield study
    finally:
        connection.remove_session()
        connection.engine.dispose()


def pruning_overrides(settings: Mapping[str, Any], storage: str) -> list[str]:
    """Overrides by which each trial reports to the study and ends where the pruner says so; none without a pruner."""
    if str(settings["pruner"]["_target_"]).endswith(".NopPruner"):
        return []
    return [
        "+callbacks.pruning._target_=perceptron.callbacks.PruneHopeless",
        f"+callbacks.pruning.storage='{storage}'",
        f"+callbacks.pruning.study_name='{settings['study_name']}'",
        "+callbacks.pruning.monitor=${monitor}",
        "+callbacks.pruning.pruner=${hydra:sweeper.pruner}",
    ]


def sampler_of_trial(settings: Mapping[str, Any], *, seed: int, number: int) -> Any:
    """A sampler whose draws are a function of seed and trial, so that a resumed search does not repeat its draws.

    Args:
        settings: of ``hydra.sweeper``; the sampler's own ``seed`` takes precedence over the run's.
        seed: the run's.
        number: of the trial.
    """
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        # The configured options have been experimental since 2022.
        warnings.simplefilter("ignore", ExperimentalWarning)
        own = settings["sampler"].get("seed")
        base = seed if own is None else int(own)
        return instantiate(settings["sampler"], seed=derive_seed(base, Stream.SEARCH, number) % _N_SEEDS)


def sampler_without_end(sampler: Any, settings: Mapping[str, Any]) -> Any:
    """The sampler to tell a result with.

    After its last point, the sampler of a grid stops ``Study.optimize``, which is not running here.

    Args:
        sampler: that has drawn the trial.
        settings: of ``hydra.sweeper``.
    """
    from optuna.samplers import RandomSampler

    return RandomSampler() if is_grid(settings) else sampler


def tell(study: "Study", number: int, value: float | None, job: Job) -> None:
    """Tell a study the result of a trial.

    Args:
        study: that the trial belongs to.
        number: of the trial.
        value: of the monitored metric; NaN or None if the job failed.
        job: of the trial.
    """
    from optuna.trial import TrialState

    if job.state == State.PRUNED:
        told: FrozenTrial = study.tell(number, state=TrialState.PRUNED)
    elif value is None or not math.isfinite(value):
        told = study.tell(number, state=TrialState.FAIL)
    else:
        told = study.tell(number, value)
    log.debug("trial %s: %s", number, told.state)
