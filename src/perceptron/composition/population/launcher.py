"""What ``hydra/launcher=population`` does with the jobs of a multirun."""

import logging
from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from perceptron.composition.population.groups import group_jobs
from perceptron.composition.population.sharing import train_groups
from perceptron.composition.population.trained import Trained
from perceptron.composition.settings.hydras import check_hydra
from perceptron.composition.sweeps.job import as_job
from perceptron.composition.sweeps.loader import SweepLoader
from perceptron.composition.sweeps.template import PlainJob
from perceptron.garbage_collection import rare_collection
from perceptron.runs.failures import is_no_room, no_room
from perceptron.runs.folder import Run
from perceptron.terminal.signals import raise_if_lost
from perceptron.training.lightning_messages import silence_lightning

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
        UsageError: where Hydra's settings cannot be.
    """
    raise_if_lost()
    check_hydra(config.hydra)
    setup_globals()
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    Path(str(config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
    log.info("Launching %d jobs side by side", len(job_overrides))
    loader = context.config_loader
    assert isinstance(loader, SweepLoader)  # noqa: S101
    before = HydraConfig.instance().cfg
    jobs: dict[int, PlainJob] = {}
    # The project's own ask for nothing of a single job.
    has_callbacks = not set(config.hydra.callbacks) <= {"check", "sweep"}

    def job_of(number: int) -> PlainJob:
        jobs[number] = loader.template(config, job_overrides[number - first]).job(number)
        return jobs[number]

    def write(number: int, trained: Trained) -> JobReturn:
        template = jobs[number].template
        if has_callbacks:
            loader.template(config, job_overrides[number - first])
            template.enter(number)
        job = jobs.pop(number)
        try:
            return _written(job, trained, context=context, cfg=template.cfg)
        except OSError as error:
            if is_no_room(error):
                raise no_room(error, job.folder, advice=None) from error
            raise

    def run(number: int) -> JobReturn:
        overrides = job_overrides[number - first]
        log.info("\t#%d : %s", number, " ".join(filter_overrides(overrides)))
        cfg = loader.template(config, overrides).of_job(number)
        result = run_job(
            hydra_context=context,
            task_function=task_function,
            config=cfg,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        return result

    numbers = range(first, first + len(job_overrides))
    try:
        with rare_collection():
            silence_lightning()
            groups, alone = group_jobs(numbers, job_of)
            results: dict[int, JobReturn | None] = dict.fromkeys(alone)
            for written in train_groups(groups, write, max_members=max_members):
                results |= written
            ended = {number: result or run(number) for number, result in results.items()}
    finally:
        HydraConfig.instance().cfg = before
    return [ended[number] for number in numbers]


def _written(job: PlainJob, trained: Trained, *, context: HydraContext, cfg: DictConfig) -> JobReturn:
    """Leave a trained job's folder as Hydra and the job alone would have.

    Hydra's own way to run a job resolves, copies and dumps its configuration anew, 60 ms a job (measured).
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    if cfg.hydra.output_subdir is not None:
        hydra = job.folder / cfg.hydra.output_subdir
        hydra.mkdir(parents=True, exist_ok=True)
        for name, text in job.hydra_files().items():
            (hydra / name).write_text(text, encoding="utf-8")
    if log_file := _log_file(job):
        # Of what a member does, the log of the sweep tells.
        log_file.touch()
    context.callbacks.on_job_start(config=cfg, task_function=lambda _: trained.write())
    result = JobReturn(overrides=list(job.overrides), working_dir=str(Path.cwd()), task_name=cfg.hydra.job.name)
    result.return_value = as_job(Run(Path(job.config["paths"]["output_dir"])), trained.write)
    result.status = JobStatus.COMPLETED
    context.callbacks.on_job_end(config=cfg, job_return=result)
    return result


def _log_file(job: PlainJob) -> Path | None:
    """Where Hydra would write a job's log, without OmegaConf; None where it would not, or only OmegaConf knows."""
    hydra = job.template.hydra_values
    logging_of_job = hydra["job_logging"]
    file = logging_of_job.get("handlers", {}).get("file")
    if logging_of_job["root"] is None or file is None:
        return None
    name = str(file["filename"])
    parts = {"hydra.runtime.output_dir": job.folder, "task_name": job.config["task_name"]}
    for key, part in (parts | {"hydra.job.name": hydra["job"]["name"]}).items():
        name = name.replace(f"${{{key}}}", str(part))
    return None if "${" in name else Path(name)
