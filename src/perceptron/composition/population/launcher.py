"""``hydra/launcher=population``: the jobs of a multirun are trained side by side, the others as Hydra runs them."""

import logging
from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, configure_log, filter_overrides, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from perceptron.composition.population.gpu_workers import GpuWorkers, gpus, may_use_gpus
from perceptron.composition.population.groups import (
    AloneReports,
    Group,
    JobPreparation,
    group_jobs,
    log_alone,
    unfinished,
)
from perceptron.composition.population.job_loader import JobLoader
from perceptron.composition.population.job_result import write_job
from perceptron.composition.population.multirun_jobs import ComposedJob, MultirunJobs
from perceptron.composition.population.share_tasks import ShareTasks, Workers
from perceptron.composition.population.shares import GroupTraining
from perceptron.composition.sweeps.time_limit import NOT_STARTED
from perceptron.garbage_collection import rare_collection
from perceptron.population import Member, PopulationFit
from perceptron.terminal.signals import raise_if_lost
from perceptron.terminal.status import show
from perceptron.training.lightning_messages import silence_lightning

log = logging.getLogger(__name__)

# The project's own callbacks, which ask for nothing of a single job.
_OWN_CALLBACKS = {"resolvers", "check", "sweep"}


def launch(
    job_overrides: Sequence[Sequence[str]],
    first: int,
    *,
    loader: JobLoader,
    context: HydraContext,
    task_function: TaskFunction,
    config: DictConfig,
    max_members: int | None,
    on_ray: bool = False,
) -> list[JobReturn]:
    """Train the jobs side by side, and run those that must run alone.

    Args:
        job_overrides: of each job.
        first: number of the first job.
        loader: composes the jobs.
        context: Hydra's.
        task_function: runs a job alone.
        config: the multirun's, with ``hydra``.
        max_members: trained at the same time; None for as many as suit the device.
        on_ray: whether the Ray cluster that this process is connected to trains them.

    Returns:
        Results in the jobs' order.
    """
    raise_if_lost()
    setup_globals()
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    Path(str(config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
    log.info("Launching %d jobs side by side", len(job_overrides))
    before = HydraConfig.instance().cfg
    jobs = MultirunJobs(loader, config, job_overrides, first)
    reports = AloneReports()
    preparation = JobPreparation(jobs, reports, trains_here=not on_ray)
    has_callbacks = not set(config.hydra.callbacks) <= _OWN_CALLBACKS

    def job_starts(number: int) -> None:
        if has_callbacks:
            context.callbacks.on_job_start(config=jobs.enter(number).cfg, task_function=task_function)

    def job_ends(number: int, result: JobReturn) -> None:
        if has_callbacks:
            context.callbacks.on_job_end(config=jobs.enter(number).cfg, job_return=result)

    def write(job: ComposedJob, member: Member, fit: PopulationFit) -> JobReturn:
        result = write_job(job, member, fit, task_name=config.hydra.job.name, started=lambda: job_starts(job.number))
        job_ends(job.number, result)
        return result

    def run_alone(number: int) -> JobReturn:
        log.info("\t#%d : %s", number, " ".join(filter_overrides(jobs.overrides(number))))
        result = run_job(
            hydra_context=context,
            task_function=task_function,
            config=jobs.for_hydra(number),
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        return result

    try:
        with rare_collection():
            silence_lightning()
            show(f"composing {len(job_overrides)} jobs")
            groups, _ = group_jobs(jobs, unfinished(jobs), preparation)
            reports.tell()
            # The others are built one by one, and told at once.
            preparation.report = log_alone
            # Those in no group stay None; Hydra runs them, and a finished one returns what it has stored.
            results: dict[int, JobReturn | None] = dict.fromkeys(jobs.numbers)
            workers = _workers(groups, on_ray=on_ray)
            elsewhere = None
            if workers is not None:
                folder, task_name = Path(str(config.hydra.sweep.dir)), config.hydra.job.name
                elsewhere = ShareTasks(preparation, workers, folder, task_name=task_name)
            training = GroupTraining(preparation, write, max_members=max_members, elsewhere=elsewhere)
            for of_share in training.train(groups):
                results |= of_share
                for number, result in of_share.items() if workers is not None else ():
                    # A task has no callbacks of the user's own.
                    if result is not None and result.return_value != NOT_STARTED:
                        job_starts(number)
                        job_ends(number, result)
            ended = {number: result or run_alone(number) for number, result in results.items()}
    finally:
        HydraConfig.instance().cfg = before
    return [ended[number] for number in jobs.numbers]


def _workers(groups: Sequence[Group], *, on_ray: bool) -> Workers | None:
    """What trains the shares of groups; None for this process and those that it forks."""
    if on_ray:
        # Imported here, because it imports Ray.
        from perceptron.composition.population.ray_workers import RayWorkers

        return RayWorkers()
    names = gpus()
    return GpuWorkers(names) if len(names) > 1 and all(map(may_use_gpus, groups)) else None
