"""A search by Optuna's ask-and-tell: trials are jobs of Hydra's launcher, and the storage knows how far it is."""

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.checks import check
from perceptron.composition.settings.hydras import check_hydra
from perceptron.composition.sweeps.search_space import SearchSpace, parse_space
from perceptron.composition.sweeps.study_faults import readable_study
from perceptron.errors import UsageError, missing_extra, reason
from perceptron.passwords import without_password
from perceptron.randomness import Stream, derive_seed
from perceptron.sweeps.job_folders import Job, State

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

log = logging.getLogger(__name__)
_FOLDER = "folder"
# The largest that numpy's legacy generator takes.
_SEEDS = 2**32


def _require_optuna() -> None:
    """Say in a line what is missing.

    Raises:
        UsageError: where Optuna is not installed.
    """
    if find_spec("optuna") is None:
        raise missing_extra("hydra/sweeper=optuna needs the package optuna", "optuna")


def search(
    arguments: Sequence[str],
    *,
    settings: Mapping[str, Any],
    config: DictConfig,
    loader: ConfigLoader,
    launcher: Launcher,
) -> None:
    """Run trials until the storage holds ``n_trials``.

    A trial is told to the storage when its job has ended. What a killed search has left begun is run first, under its
    number and with its values, and its job goes on from its last checkpoint: no trial is lost or doubled.

    Args:
        arguments: overrides of the command line.
        settings: of ``hydra.sweeper``.
        config: of the multirun.
        loader: Hydra's.
        launcher: runs batches of ``n_jobs`` trials.

    Raises:
        UsageError: where the space holds a setting that cannot be, or Hydra's own cannot; or the database is damaged.
    """
    _require_optuna()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    check_hydra(config.hydra)
    space = parse_space(settings["params"] or {}, arguments, loader)
    if not space.dimensions:
        raise UsageError("a search must have something to search, got no range; type 'optimizer.lr=interval(0.001, 1)'")
    first = _check_space(space, config, loader)

    # Here, because it imports torch.
    from perceptron.callbacks.pruning import storage_url, trial_of

    folder = Path(config.hydra.sweep.dir).absolute()
    storage = settings["storage"] or f"sqlite:///{folder / 'search.db'}"
    storage_url(storage)
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, folder / "multirun.yaml")
    study = _opened(settings, storage, mode=first.mode)
    pruning = _pruning(settings, storage)
    n_trials = min(settings["n_trials"], space.size() or math.inf) if _is_grid(settings) else settings["n_trials"]
    # One that was killed between its draw and its mark is this sweep's where the study is.
    marks = (str(folder),) if settings["storage"] else (str(folder), None)
    with readable_study(storage):
        waiting = [trial.number for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,))
                   if trial.user_attrs.get(_FOLDER) in marks]  # fmt: skip
    while True:
        numbers, waiting = waiting[: settings["n_jobs"]], waiting[settings["n_jobs"] :]
        batch: list[Trial] = []
        drawn: list[list[str]] = []
        while len(batch) < settings["n_jobs"]:
            begun = numbers[len(batch)] if len(batch) < len(numbers) else None
            number = len(study.get_trials(deepcopy=False)) if begun is None else begun
            if begun is None and number >= n_trials:
                break
            study.sampler = _sampler(settings, seed=first.seed, number=number)
            with readable_study(storage):
                trial = study.ask() if begun is None else trial_of(study, storage, begun)
                trial.set_user_attr(_FOLDER, str(folder))
                batch.append(trial)
                # By its own sampler: what was interrupted in the midst of it is drawn the same again.
                drawn.append(space.draw(trial))
        if not batch:
            return
        overrides = []
        for place, (trial, values) in enumerate(zip(batch, drawn, strict=True), start=batch[0].number):
            # A job's folder has the trial's number, which is its own where no trial of the batch was begun before.
            own = [f"hydra.sweep.subdir={trial.number}"] if trial.number != place else []
            own += [*pruning, f"+callbacks.pruning.number={trial.number}"] if pruning else []
            overrides.append([*values, *own])
        found = _launch(launcher, overrides, batch, folder)
        if _is_grid(settings):
            # After the last point this sampler stops `Study.optimize`, which is not what runs here.
            study.sampler = optuna.samplers.RandomSampler()
        for trial, value in zip(batch, found, strict=True):
            _tell(study, trial.number, value, Job(folder / str(trial.number)))


def _opened(settings: Mapping[str, Any], storage: str, *, mode: str) -> "Study":
    """The study in its storage, which may hold trials of a killed search."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    from perceptron.callbacks.pruning import storage_url

    direction: Literal["maximize", "minimize"] = "maximize" if mode == "max" else "minimize"
    try:
        study = optuna.create_study(
            storage=storage_url(storage),
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
    # Of a study that exists, Optuna keeps the direction without a word.
    if study.direction.name.lower() != direction:
        raise UsageError(
            f"the study {settings['study_name']} in {storage} has a metric to {study.direction.name.lower()}, got "
            f"mode={mode}; set another hydra.sweeper.study_name or hydra.sweeper.storage"
        )
    return study


def _pruning(settings: Mapping[str, Any], storage: str) -> list[str]:
    """What has every trial report to the study and end where the pruner says so; nothing without a pruner."""
    if str(settings["pruner"]["_target_"]).endswith(".NopPruner"):
        return []
    return [
        "+callbacks.pruning._target_=perceptron.callbacks.PruneHopeless",
        f"+callbacks.pruning.storage='{storage}'",
        f"+callbacks.pruning.study_name='{settings['study_name']}'",
        "+callbacks.pruning.monitor=${monitor}",
        "+callbacks.pruning.pruner=${hydra:sweeper.pruner}",
    ]


def _check_space(space: SearchSpace, config: DictConfig, loader: ConfigLoader) -> DictConfig:
    """Compose and check every choice and every end; the first configuration."""
    composed = []
    for overrides in space.samples():
        cfg = loader.load_sweep_config(config, overrides).copy()
        with open_dict(cfg):
            del cfg["hydra"]
        check(cfg)
        composed.append(cfg)
    monitors = list(dict.fromkeys(cfg.monitor for cfg in composed))
    if len(monitors) > 1:
        raise UsageError(
            f"a search compares its trials by one metric, got {', '.join(monitors)}; set monitor to one of them"
        )
    return composed[0]


def _is_grid(settings: Mapping[str, Any]) -> bool:
    return str(settings["sampler"]["_target_"]).endswith(".BruteForceSampler")


def _sampler(settings: Mapping[str, Any], *, seed: int, number: int) -> Any:
    """A sampler whose draws are a function of seed and trial, so that a resumed search does not draw the same again.

    Args:
        settings: of ``hydra.sweeper``; the sampler's own ``seed`` goes before the run's.
        seed: the run's.
        number: of the trial.
    """
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        # The configured options are so called since 2022, and nothing that a user could mend.
        warnings.simplefilter("ignore", ExperimentalWarning)
        own = settings["sampler"].get("seed")
        base = seed if own is None else int(own)
        return instantiate(settings["sampler"], seed=derive_seed(base, Stream.SEARCH, number) % _SEEDS)


def _launch(
    launcher: Launcher, overrides: Sequence[Sequence[str]], batch: Sequence["Trial"], folder: Path
) -> list[float | None]:
    """Values of the jobs of a batch; NaN where a job has failed or its process died."""
    try:
        returns = launcher.launch(overrides, initial_job_idx=batch[0].number)
    except (UsageError, HydraException, OmegaConfBaseException):
        raise
    except Exception as error:
        # Some launchers raise when a worker dies, and then the jobs of the batch that have ended have their results.
        for trial in batch:
            job = Job(folder / str(trial.number))
            if job.folder.is_dir() and job.state == State.RUNNING:
                job.fail(error)
        return [_left(folder / str(trial.number)) for trial in batch]
    return [_value(result) for result in returns]


def _value(result: JobReturn) -> float | None:
    if result.status != JobStatus.COMPLETED or result.return_value is None:
        return math.nan
    return float(result.return_value)


def _left(folder: Path) -> float | None:
    from perceptron.composition.sweeps.job import stored_best
    from perceptron.runs.folder import Run

    return stored_best(Run(folder)) if Run(folder).is_finished else math.nan


def _tell(study: "Study", number: int, value: float | None, job: Job) -> None:
    from optuna.trial import TrialState

    if job.state == State.PRUNED:
        told: FrozenTrial = study.tell(number, state=TrialState.PRUNED)
    elif value is None or not math.isfinite(value):
        told = study.tell(number, state=TrialState.FAIL)
    else:
        told = study.tell(number, value)
    log.debug("trial %s: %s", number, told.state)
