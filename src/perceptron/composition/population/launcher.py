"""What ``hydra/launcher=population`` does with the jobs of a multirun."""

import logging
from collections.abc import Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, configure_log, filter_overrides, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from perceptron.composition.population.groups import ComposedJob, Trained, train_groups
from perceptron.errors import UsageError

log = logging.getLogger(__name__)


def launch(
    job_overrides: Sequence[Sequence[str]],
    first: int,
    *,
    context: HydraContext,
    task_function: TaskFunction,
    config: DictConfig,
    max_members: int | None,
) -> list[JobReturn]:
    """Train the jobs side by side, and let Hydra run each: its folder, its log, its callbacks.

    Args:
        job_overrides: of each job.
        first: number of the first job.
        context: Hydra's.
        task_function: runs a job that is not trained side by side.
        config: the multirun's, with ``hydra``.
        max_members: trained at once; None for what is good on the device.

    Returns:
        Results in the jobs' order.

    Raises:
        UsageError: where ``max_members`` is below 1.
    """
    if max_members is not None and max_members < 1:
        raise UsageError(
            f"hydra.launcher.max_members must be at least 1, got {max_members}; leave it out for what is good"
        )
    setup_globals()
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    Path(str(config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
    log.info("Launching %d jobs side by side", len(job_overrides))
    loader = context.config_loader
    jobs = [composed(loader, config, first + i, overrides) for i, overrides in enumerate(job_overrides)]
    before = HydraConfig.instance().cfg
    results: dict[int, JobReturn] = {}

    def run(job: ComposedJob, trained: Trained | None) -> JobReturn:
        if trained is None:
            log.info("\t#%d : %s", job.number, " ".join(filter_overrides(job.overrides)))
        result = run_job(
            hydra_context=context,
            task_function=task_function if trained is None else trained.write,
            config=job.cfg,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        return result

    try:
        for group in train_groups(jobs, max_members=max_members):
            results |= {number: run(jobs[number - first], trained) for number, trained in group.items()}
    finally:
        HydraConfig.instance().cfg = before
    return [results[job.number] for job in jobs]


def composed(loader: ConfigLoader, config: DictConfig, number: int, overrides: Sequence[str]) -> ComposedJob:
    """A job as Hydra's own launcher composes it."""
    cfg = loader.load_sweep_config(config, list(overrides))
    return ComposedJob(number, tuple(overrides), cfg)
