"""The result of a job that was trained beside others, as Hydra's launchers return it."""

from collections.abc import Callable
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus

from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.composition.population.run_folder import write_run
from perceptron.composition.sweeps.train_job import as_job
from perceptron.population import Member, PopulationFit
from perceptron.runs.failures import is_no_room, no_room
from perceptron.runs.folder import Run


def write_job(
    job: ComposedJob,
    member: Member,
    fit: PopulationFit,
    *,
    task_name: str,
    started: Callable[[], None] = lambda: None,
) -> JobReturn:
    """Write a job's folder, Hydra's files in it included.

    Args:
        job: composed.
        member: trained.
        fit: that trained it.
        task_name: Hydra's name of the multirun's jobs.
        started: called once Hydra's files are written.

    Raises:
        NoRoomError: if the disk is full.
    """
    result = JobReturn(overrides=job.overrides, working_dir=str(Path.cwd()), task_name=task_name)
    try:
        job.write_hydra_files(member.entries.all)
        started()
        result.return_value = as_job(Run(job.folder), lambda: write_run(job, member, fit))
    except OSError as error:
        if is_no_room(error):
            raise no_room(error, job.folder, advice=None) from error
        raise
    result.status = JobStatus.COMPLETED
    return result
