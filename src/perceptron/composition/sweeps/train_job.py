"""One job of a multirun, whose failure is a result and affects no other job."""

import logging
import math
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from omegaconf import DictConfig, open_dict

from perceptron.composition.settings.checks import check
from perceptron.composition.sweeps.job_process import needs_processes, train_in_process
from perceptron.composition.sweeps.time_limit import NOT_STARTED, may_start
from perceptron.composition.unfinished_folders import discard
from perceptron.errors import PrunedError
from perceptron.files.writing import remove_temporary_files
from perceptron.runs.folder import Run, monitored_value
from perceptron.runs.folder_lock import folder_lock
from perceptron.sweeps.job_folders import Job
from perceptron.terminal.signals import listening, raise_if_lost
from perceptron.terminal.status import hidden

log = logging.getLogger(__name__)


def train_as_job(cfg: DictConfig, chosen: Mapping[str, str]) -> float | str | None:
    """Train one job, continue it, or return the result that it has stored already.

    Args:
        cfg: composed configuration.
        chosen: option of each of Hydra's groups.

    Returns:
        The best value of the monitored metric; NaN if the job failed or was pruned; ``NOT_STARTED``, leaving nothing
        new, if the time of the sweep has passed.
    """
    run = Run(Path(cfg.paths.output_dir))
    if not run.is_finished and not may_start():
        discard(run.folder, cfg.task_name, typed_in=Path.cwd())
        return NOT_STARTED

    def work() -> float | None:
        check(cfg)
        if needs_processes(cfg.trainer):
            point = _continued(cfg, run).ckpt_path
            train_in_process(run.folder, ckpt_path=point)
            return stored_best(run)
        # Imported here, because it imports torch.
        from perceptron.composition.run import run_once

        # Each job has its own filters, and shows again the warnings that are shown once.
        with warnings.catch_warnings():
            return run_once(_continued(cfg, run), chosen, quiet=True)

    # A worker process has no signal handlers yet.
    with listening():
        return as_job(run, work)


def as_job(run: Run, work: Callable[[], float | None]) -> float | None:
    """Do the work of a job, unless its result is stored already.

    An exception is written to the job's folder and becomes NaN: raised, it would end the sweep without a summary.

    Args:
        run: the job's.
        work: returns the best value of the monitored metric.

    Returns:
        That value; NaN if the job failed or was pruned.
    """
    job = Job(run.folder)
    job.begin()
    try:
        if run.is_finished:
            return stored_best(run)
        if run.has_config:
            # An earlier attempt may have been killed while it wrote.
            with folder_lock(run.folder):
                remove_temporary_files(run.folder)
        with hidden():
            return work()
    except PrunedError as pruned:
        job.prune(str(pruned))
        return math.nan
    except SystemExit as error:
        # Lightning turns Ctrl-C into this.
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        job.fail(error)
        return math.nan
    except Exception as error:
        raise_if_lost()
        job.fail(error)
        log.debug("failed", exc_info=error)
        return math.nan


def stored_best(run: Run) -> float | None:
    """The monitored value that a finished run has written down."""
    return monitored_value(run.best, metrics=run.metrics, monitor=run.config["monitor"])


def _continued(cfg: DictConfig, run: Run) -> DictConfig:
    """The configuration, with the newest checkpoint of an earlier attempt to continue from."""
    if not cfg.train or cfg.ckpt_path is not None or not any(run.checkpoint().parent.glob("*.ckpt")):
        return cfg
    # Imported here, because it imports torch.
    from perceptron.runs.checkpoints.resume_point import resume_point

    point = resume_point(run)
    with open_dict(cfg):
        cfg.ckpt_path = None if point is None else str(point)
    return cfg
