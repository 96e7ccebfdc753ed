"""The figures of jobs that were trained beside others, drawn once the results of all of them are written."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lightning.pytorch.loggers import MLFlowLogger, TensorBoardLogger

from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.composition.settings.data_paths import with_absolute_paths
from perceptron.errors import reason
from perceptron.invocation import for_shell
from perceptron.population import Member, PopulationFit
from perceptron.runs.epoch_history import by_metric
from perceptron.runs.failures import explained_failures
from perceptron.runs.folder import Run
from perceptron.runs.folder_lock import folder_lock
from perceptron.sweeps.sweep_folders import sweep_of
from perceptron.terminal.text import visible
from perceptron.training.run_figures import all_or_none, draw_trained

log = logging.getLogger(__name__)

# Takes the number of jobs whose figures are drawn, and of those that get figures.
Tell = Callable[[int, int], object]
# Its warnings do not say which run they are about.
_DRAWING = "perceptron.figures.writing"


def draw_members(pairs: Sequence[tuple[ComposedJob, Member]], fit: PopulationFit, tell: Tell) -> None:
    """Draw the figures of those jobs that ask for them and have finished, as each of them alone does.

    Where figures cannot be drawn, a line in the log says so: the results are there without them.

    Args:
        pairs: jobs with their members, whose folders are written.
        fit: that trained them.
        tell: is called before the figures of each job.

    Raises:
        NoRoomError: if the disk is full.
    """
    clock = time.perf_counter()
    wanted = [(job, member) for job, member in pairs if gets_figures(job)]
    n_drawn = 0
    try:
        for job, member in wanted:
            tell(n_drawn, len(wanted))
            draw_member(job, member, fit)
            n_drawn += 1
    finally:
        if n_drawn < len(wanted):
            log.warning(
                "%d jobs of those that were being drawn have finished without figures; perceptron figures %s draws "
                "all that are missing",
                len(wanted) - n_drawn,
                for_shell("sweep", sweep_of(wanted[0][0].folder) or "<folder>"),
            )
        elif wanted:
            log.info("figures of %d jobs drawn in %.1f s", n_drawn, time.perf_counter() - clock)


def gets_figures(job: ComposedJob) -> bool:
    """Whether a job whose folder is written asks for figures, and has not failed."""
    return job.draws_figures and Run(job.folder).is_finished


def draw_member(job: ComposedJob, member: Member, fit: PopulationFit) -> None:
    """Draw the figures of one job; see ``draw_members``."""
    cohort, position = fit.population.place(member)
    reported = cohort.kept.reported(position)
    # W&B has one run at a time in a process, which has ended.
    loggers = [logger for logger in member.loggers if isinstance(logger, TensorBoardLogger | MLFlowLogger)]
    try:
        with (
            folder_lock(job.folder),
            all_or_none(job.folder),
            explained_failures(job.folder, settings="optimizer.lr"),
            _naming(job.number),
        ):
            (reported or cohort.kept.last).load_weights(position)
            draw_trained(
                with_absolute_paths(dict(job.config)),
                loggers,
                member.model,
                member.datamodule,
                curves=by_metric((epoch.number, {**epoch.val, **epoch.train}) for epoch in member.history),
                snapshots={} if member.path is None else member.path.snapshots,
                best_epoch=None if reported is None else reported.epoch(position),
                step=member.steps,
            )
            for logger in loggers:
                logger.finalize("success")
    except Exception as error:
        log.warning("job #%d: its figures could not be drawn: %s", job.number, visible(reason(error, lines=1)))
        log.debug("failed", exc_info=error)


@contextmanager
def _naming(number: int) -> Iterator[None]:
    """Begin what is logged of single figures with the number of the job."""

    def name(record: logging.LogRecord) -> bool:
        record.msg = f"job #{number}: {record.msg}"
        return True

    logger = logging.getLogger(_DRAWING)
    logger.addFilter(name)
    try:
        yield
    finally:
        logger.removeFilter(name)
