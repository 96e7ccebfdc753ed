"""Hydra's callback around a multirun: progress while it runs, the table at its end."""

import math
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from perceptron.composition.callback_errors import ending_the_program
from perceptron.composition.settings.parsing import parsed_overrides
from perceptron.composition.sweeps.kept_command import keep_command
from perceptron.composition.sweeps.template import typed_overrides
from perceptron.errors import StoppedError, UsageError
from perceptron.files.writing import remove_temporary_files, write_text
from perceptron.runs.folder import Run
from perceptron.runs.folder_lock import folder_lock
from perceptron.sweeps.best_setting import as_experiment
from perceptron.sweeps.job_folders import Job, State, find_jobs
from perceptron.sweeps.progress import SweepProgress
from perceptron.terminal.text import say

_FAILED_STATUS = 1
# Hydra makes the callback itself, hands it to nobody and sends copies to other processes: what belongs to the process
# that runs the sweep stands here.
_progress: SweepProgress | None = None


class SweepReport(Callback):
    """Shows progress, and at the end the summary; a failed job makes the exit status 1.

    Attributes:
        folder: of the sweep that this process runs; None before it is known.
    """

    folder: ClassVar[Path | None] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Begin to show progress."""
        global _progress
        with ending_the_program():
            total = planned_jobs(config)
            SweepReport.folder = Path(config.hydra.sweep.dir)
            keep_command(SweepReport.folder)
            _progress = SweepProgress(SweepReport.folder, total=total)
            # A population has a bar of its own, over epochs: its jobs end together.
            if not config.hydra.launcher._target_.endswith(".PopulationLauncher"):
                _progress.start()

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Share the cores among jobs that run side by side; called in the job's process, before it imports torch."""
        with ending_the_program():
            threads = threads_per_job(config)
            if threads is not None:
                os.environ.setdefault("OMP_NUM_THREADS", str(threads))

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:  # noqa: ARG002
        """Let the job's configuration go: launchers keep each to the end, a quarter of a MiB a job (measured)."""
        if config.hydra.mode == RunMode.MULTIRUN:
            job_return.cfg = job_return.hydra_cfg = None

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Print and write the summary."""
        with ending_the_program(lambda: SweepReport.folder or Path.cwd()):
            failed = finish_sweep()
        if failed:
            # Hydra has no way to hand a status on; it lets this pass.
            sys.exit(_FAILED_STATUS)


def finish_sweep(*, interrupted: bool = False) -> int:
    """Print and write the summary of the sweep that this process runs.

    Args:
        interrupted: whether unfinished jobs were stopped by the user; else their processes died.

    Returns:
        Number of failed jobs; 0 where there is no sweep.
    """
    global _progress
    if _progress is None:
        return 0
    progress, _progress = _progress, None
    progress.stop()
    jobs = find_jobs(progress.folder)
    if not jobs:
        _remove_unused(progress.folder)
        return 0
    for job in jobs:
        if not interrupted and job.state == State.RUNNING:
            job.fail(UsageError("ended without a word: its process was killed, or ran out of memory"))
    summarize(progress.folder, jobs)
    failed = sum(job.state == State.FAILED for job in jobs)
    unfinished = failed + sum(job.state == State.RUNNING for job in jobs)
    if unfinished:
        say(f"to run what is missing: python train.py -m sweep.resume={progress.folder}")
    return failed


def stop_sweep() -> str | None:
    """Bring the sweep of this process to an end that is stopped: its summary so far, nothing half written.

    Returns:
        How to go on; None where there is no sweep, or nothing of it.
    """
    folder = SweepReport.folder
    if folder is None:
        return None
    with suppress(StoppedError, OSError):
        # A second signal, a full disk or a closed terminal: without the summary.
        finish_sweep(interrupted=True)
    for job in find_jobs(folder):
        if job.state != State.DONE:
            # Of a worker that was killed. Where one still works there, it is its own.
            with suppress(UsageError), folder_lock(job.folder):
                remove_temporary_files(job.folder)
    return f"go on with python train.py -m sweep.resume={folder}" if folder.is_dir() else None


def _remove_unused(folder: Path) -> None:
    """Take back the folder of a sweep that ended before its first job."""
    of_no_job = ("multirun.yaml", ".multirun.yaml", "search.db")
    if folder.is_dir() and all(path.name.startswith(of_no_job) for path in folder.iterdir()):
        shutil.rmtree(folder)


def summarize(folder: Path, jobs: list[Job]) -> None:
    """Write ``summary.csv``, ``summary.md`` and ``experiment/best.yaml`` of a sweep, then print its table."""
    # Here, because they import scipy, which is not needed before the end.
    from perceptron.sweeps.finished_runs import read_finished_run
    from perceptron.sweeps.ranking import rank
    from perceptron.sweeps.summary_files import write_summary
    from perceptron.sweeps.terminal_tables import print_failures, print_rankings

    results, faults = [], []
    for job in jobs:
        if job.state == State.DONE:
            try:
                results.append(read_finished_run(Run(job.folder)))
            except UsageError as error:
                faults.append(str(error))
    try:
        found = rank(results)
    except UsageError as error:
        faults.append(str(error))
        found = []
    failed = [job for job in jobs if job.state == State.FAILED]
    write_summary(folder, found, failed)
    if found and any(result.figures != "none" for result in results):
        from perceptron.figures.sweep_figures import write_sweep_figures

        write_sweep_figures(folder, found)
    has_best = len(found) == 1 and not math.isnan(found[0].rows[0].estimate(found[0].ranked_by).mean)
    if has_best:
        try:
            _write_best(folder, Job(found[0].rows[0].results[0].folder))
        except UsageError as error:
            faults.append(str(error))
            has_best = False

    console = Console()
    for line in faults:
        say(line)
    print_rankings(console, found)
    pruned = sum(job.state == State.PRUNED for job in jobs)
    if pruned:
        console.print(f"{pruned} pruned", highlight=False)
    print_failures(console, failed)
    say(f"sweep folder  {folder}")
    if has_best:
        say(f"best setting  python train.py sweep.best={folder}")


def _write_best(folder: Path, job: Job) -> None:
    """Write the setting of a job as ``experiment/best.yaml`` in the sweep's folder."""
    (folder / "experiment").mkdir(exist_ok=True)
    overrides = [override for override in parsed(job.overrides) if not override.is_delete()]
    text = as_experiment(
        {override.key_or_group: _plain_value(override) for override in overrides},
        groups=list(job.choices),
        comment=f"The best setting of {folder.name}, job {job.folder.name}.",
    )
    write_text(folder / "experiment" / "best.yaml", text)


def _plain_value(override: Override) -> Any:
    """Value of an override as YAML holds it, without the quotes that kept it together on the command line."""
    return OmegaConf.to_container(OmegaConf.create({"value": override.value()}), resolve=False)["value"]  # type: ignore[call-overload, index]


def planned_jobs(config: DictConfig) -> int | None:
    """Number of jobs that a multirun will have; None where its sweeper does not say."""
    sweeper = config.hydra.sweeper
    if "n_trials" in sweeper:
        return int(sweeper.n_trials)
    params = OmegaConf.select(sweeper, "params") or {}
    texts = [f"{key}={value}" for key, value in params.items()] + [*typed_overrides(config)]
    sweeps = {override.get_key_element(): override for override in parsed(texts)}
    if any(override.is_sweep_override() and not override.is_discrete_sweep() for override in sweeps.values()):
        return None
    return math.prod(
        sum(1 for _ in override.sweep_string_iterator()) for override in sweeps.values() if override.is_sweep_override()
    )


def threads_per_job(config: DictConfig) -> int | None:
    """Threads that a job may use where others run beside it; None where it has the machine for itself.

    More threads than cores make all jobs together take several times as long (measured: 51 to 137 s against 13 s).
    """
    launcher = config.hydra.launcher
    name = str(config.hydra.runtime.choices.get("hydra/launcher"))
    if name == "joblib":
        # Here, because only the launcher needs it. It counts the cores that this process may use, not the machine's.
        from joblib import cpu_count

        return max(1, cpu_count() // launcher.n_jobs) if launcher.n_jobs > 0 else 1
    if name.startswith("submitit"):
        return int(launcher.cpus_per_task or 1)
    return int(OmegaConf.select(launcher, "ray.remote.num_cpus") or 1) if name == "ray" else None


def parsed(texts: list[str]) -> list[Override]:
    """Overrides in Hydra's grammar."""
    hydra = GlobalHydra.instance()
    # It knows the options of glob(*).
    loader = hydra.config_loader() if hydra.is_initialized() else None
    return parsed_overrides(texts, loader)
