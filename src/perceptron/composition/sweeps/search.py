"""A search: trials that Optuna draws are jobs of Hydra's launcher, and its database knows which have ended."""

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.checks import check
from perceptron.composition.settings.job_settings import job_settings
from perceptron.composition.settings.sweep_values import composed_job
from perceptron.composition.sweeps.job_process import needs_processes
from perceptron.composition.sweeps.search_space import SearchSpace, parse_space
from perceptron.composition.sweeps.study import (
    is_grid,
    open_study,
    pruning_overrides,
    readable_study,
    sampler_of_trial,
    tell,
)
from perceptron.errors import UsageError, missing_extra
from perceptron.runs.folder import Run
from perceptron.sweeps.job_folders import Job, State

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

# An attribute of a trial: the folder of the sweep that runs it.
_FOLDER = "folder"


def search(
    arguments: Sequence[str],
    *,
    settings: Mapping[str, Any],
    config: DictConfig,
    loader: ConfigLoader,
    launcher: Launcher,
) -> None:
    """Run trials until the database holds ``n_trials``.

    The result of a trial is stored when its job has ended. Trials that a killed search left unfinished are run first,
    under their numbers and with their values, and their jobs continue from their last checkpoints: no trial is lost or
    repeated.

    Args:
        arguments: overrides of the command line.
        settings: of ``hydra.sweeper``.
        config: the multirun's, with ``hydra``.
        loader: Hydra's.
        launcher: runs batches of ``n_jobs`` trials.

    Raises:
        UsageError: if a setting of the space or of Hydra is not valid, or the database is damaged.
    """
    if find_spec("optuna") is None:
        raise missing_extra("hydra/sweeper=optuna needs the package optuna", "optuna")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = parse_space(settings["params"] or {}, arguments, loader)
    if not space.dimensions:
        raise UsageError("a search must have something to search, got no range; type 'optimizer.lr=interval(0.001, 1)'")
    first = _check_space(space, config, loader)

    # Imported here, because it imports torch.
    from perceptron.callbacks.pruning import storage_url

    folder = Path(config.hydra.sweep.dir).absolute()
    storage = settings["storage"] or f"sqlite:///{(folder / 'search.db').as_posix()}"
    storage_url(storage)
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, folder / "multirun.yaml")
    study = open_study(settings, storage, mode=first["mode"])
    pruning = pruning_overrides(settings, storage)
    if pruning and needs_processes(first["trainer"]):
        raise UsageError(
            "a pruner follows trials on one device, got trainer.devices="
            f"{first['trainer']['devices']}; set hydra/sweeper/pruner=none or trainer.devices=1"
        )
    n_trials = min(settings["n_trials"], space.size() or math.inf) if is_grid(settings) else settings["n_trials"]
    unfinished = _unfinished_trials(study, storage, folder, is_shared=settings["storage"] is not None)
    while True:
        begun, unfinished = unfinished[: settings["n_jobs"]], unfinished[settings["n_jobs"] :]
        batch: list[Trial] = []
        drawn: list[list[str]] = []
        while len(batch) < settings["n_jobs"]:
            is_new = len(batch) >= len(begun)
            number = len(study.get_trials(deepcopy=False)) if is_new else begun[len(batch)]
            if is_new and number >= n_trials:
                break
            study.sampler = sampler_of_trial(settings, seed=first["seed"], number=number)
            with readable_study(storage):
                trial = _trial(study, storage, None if is_new else number)
                trial.set_user_attr(_FOLDER, str(folder))
                batch.append(trial)
                # By the trial's own sampler: values that were not all drawn before a kill are drawn the same again.
                drawn.append(space.draw(trial))
        if not batch:
            return
        overrides = [
            [*values, *_own_overrides(trial.number, launched_as, pruning)]
            for launched_as, (trial, values) in enumerate(zip(batch, drawn, strict=True), start=batch[0].number)
        ]
        values = _launch(launcher, overrides, batch, folder)
        if is_grid(settings):
            # After the last point this sampler stops `Study.optimize`, which is not running here.
            study.sampler = optuna.samplers.RandomSampler()
        for trial, value in zip(batch, values, strict=True):
            tell(study, trial.number, value, Job(folder / str(trial.number)))


def _unfinished_trials(study: "Study", storage: str, folder: Path, *, is_shared: bool) -> list[int]:
    """Numbers of the trials that a killed search of this folder has left running.

    Args:
        study: in the database.
        storage: its URL.
        folder: of the sweep.
        is_shared: whether other sweeps may use the database. If not, a trial without a folder is this sweep's: it was
            killed between its creation and its first attribute.
    """
    from optuna.trial import TrialState

    folders = (str(folder),) if is_shared else (str(folder), None)
    with readable_study(storage):
        running = study.get_trials(states=(TrialState.RUNNING,))
        return [trial.number for trial in running if trial.user_attrs.get(_FOLDER) in folders]


def _trial(study: "Study", storage: str, number: int | None) -> "Trial":
    """A new trial, or the one of a number."""
    # Imported here, because it imports torch.
    from perceptron.callbacks.pruning import trial_of

    return study.ask() if number is None else trial_of(study, storage, number)


def _own_overrides(number: int, launched_as: int, pruning: Sequence[str]) -> list[str]:
    """Overrides of one trial: its folder has the trial's number, and its pruner must know it."""
    own = [f"hydra.sweep.subdir={number}"] if number != launched_as else []
    return [*own, *pruning, f"+callbacks.pruning.number={number}"] if pruning else own


def _check_space(space: SearchSpace, config: DictConfig, loader: ConfigLoader) -> dict[str, Any]:
    """Compose and check every choice and both ends of every range.

    Returns:
        The plain values of the first configuration.
    """
    composed = []
    for overrides in space.samples():
        with job_settings(composed_job(config, overrides, loader), in_multirun=True) as cfg:
            composed.append(check(cfg))
    monitors = list(dict.fromkeys(values["monitor"] for values in composed))
    if len(monitors) > 1:
        raise UsageError(
            f"a search compares its trials by one metric, got {', '.join(monitors)}; set monitor to one of them"
        )
    return composed[0]


def _launch(
    launcher: Launcher, overrides: Sequence[Sequence[str]], batch: Sequence["Trial"], folder: Path
) -> list[float | None]:
    """Values of the jobs of a batch; NaN if a job has failed or its process died."""
    try:
        returns = launcher.launch(overrides, initial_job_idx=batch[0].number)
    except (UsageError, HydraException, OmegaConfBaseException):
        raise
    except Exception as error:
        # Some launchers raise when a worker dies; jobs of the batch that have ended still have their results.
        for trial in batch:
            job = Job(folder / str(trial.number))
            if job.folder.is_dir() and job.state == State.RUNNING:
                job.fail(error)
        return [_stored_value(folder / str(trial.number)) for trial in batch]
    return [_value(result) for result in returns]


def _value(result: JobReturn) -> float | None:
    if result.status != JobStatus.COMPLETED or result.return_value is None:
        return math.nan
    return float(result.return_value)


def _stored_value(folder: Path) -> float | None:
    from perceptron.composition.sweeps.train_job import stored_best

    return stored_best(Run(folder)) if Run(folder).is_finished else math.nan
