"""A search: trials that Optuna draws are jobs of Hydra's launcher, and its database knows which have ended."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.sweep_options import sweep_options
from perceptron.composition.sweeps.checked_space import admission_of, check_space, need_optuna, planned_trials
from perceptron.composition.sweeps.job_process import needs_processes
from perceptron.composition.sweeps.search_space import parse_space
from perceptron.composition.sweeps.study import open_study, pruning_overrides, sampler_without_end, tell
from perceptron.composition.sweeps.sweep_callback import SweepCallback
from perceptron.composition.sweeps.time_limit import NOT_STARTED, TimeLimit
from perceptron.composition.sweeps.trial_draws import TrialDraws
from perceptron.errors import UsageError
from perceptron.runs.folder import Run
from perceptron.sweeps.job_count import write_job_count
from perceptron.sweeps.job_folders import Job, State, find_jobs

if TYPE_CHECKING:
    from optuna.trial import Trial


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
        OutOfTimeError: if the time of the sweep has passed before all trials were started.
    """
    need_optuna()
    space = parse_space(settings["params"] or {}, arguments, loader)
    limit = TimeLimit(sweep_options(config).max_hours)
    # The callback has counted them, unless it was taken away.
    n_trials = SweepCallback.n_jobs or planned_trials(config, loader) or 0
    admission = admission_of(config, loader)
    first = check_space(space, config, loader, admission)

    # Imported here, because it imports torch.
    from perceptron.callbacks.pruning import storage_url

    folder = Path(config.hydra.sweep.dir).absolute()
    storage = settings["storage"] or f"sqlite:///{(folder / 'search.db').as_posix()}"
    storage_url(storage)
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, folder / "multirun.yaml")
    with open_study(settings, storage, mode=first["mode"]) as study:
        pruning = pruning_overrides(settings, storage)
        if pruning and needs_processes(first["trainer"]):
            raise UsageError(
                "a pruner follows trials on one device, got trainer.devices="
                f"{first['trainer']['devices']}; set hydra/sweeper/pruner=none or trainer.devices=1"
            )
        draws = TrialDraws(
            study,
            storage,
            folder=folder,
            space=space,
            settings=settings,
            n_trials=n_trials,
            seed=first["seed"],
            admission=admission,
            limit=limit,
        )
        # Others may have run trials of a database that is shared.
        is_shared = settings["storage"] is not None
        write_job_count(folder, len(find_jobs(folder)) + draws.n_not_drawn if is_shared else n_trials)
        while batch := draws.batch(settings["n_jobs"]):
            SweepCallback.n_left_out = draws.n_left_out
            # A trial that is not started stays as it is, and is run first when the search goes on.
            limit.check(n_waiting=len(batch) + draws.n_not_drawn)
            overrides = [
                [*drawn.overrides, *_own_overrides(drawn.trial.number, launched_as, pruning), *limit.overrides]
                for launched_as, drawn in enumerate(batch, start=batch[0].trial.number)
            ]
            values = _launch(launcher, overrides, [drawn.trial for drawn in batch], folder)
            study.sampler = sampler_without_end(study.sampler, settings)
            for drawn, value in zip(batch, values, strict=True):
                if not isinstance(value, str):
                    tell(study, drawn.trial.number, value, Job(folder / str(drawn.trial.number)))
            if NOT_STARTED in values:
                limit.check(n_waiting=values.count(NOT_STARTED) + draws.n_not_drawn)
        SweepCallback.n_left_out = draws.n_left_out
        write_job_count(folder, len(find_jobs(folder)))


def _own_overrides(number: int, launched_as: int, pruning: Sequence[str]) -> list[str]:
    """Overrides of one trial: its folder has the trial's number, and its pruner must know it."""
    own = [f"hydra.sweep.subdir={number}"] if number != launched_as else []
    return [*own, *pruning, f"+callbacks.pruning.number={number}"] if pruning else own


def _launch(
    launcher: Launcher, overrides: Sequence[Sequence[str]], batch: Sequence["Trial"], folder: Path
) -> list[float | str | None]:
    """Values of the jobs of a batch; NaN if a job has failed or its process died, or ``NOT_STARTED``."""
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


def _value(result: JobReturn) -> float | str | None:
    if result.status != JobStatus.COMPLETED or result.return_value is None:
        return math.nan
    return NOT_STARTED if result.return_value == NOT_STARTED else float(result.return_value)


def _stored_value(folder: Path) -> float | None:
    from perceptron.composition.sweeps.train_job import stored_best

    return stored_best(Run(folder)) if Run(folder).is_finished else math.nan
