"""Hydra's callback around a multirun: progress while it runs, the summary at its end."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, read_write

from perceptron.composition.callback_errors import ending_the_program
from perceptron.composition.settings.output_folders import check_numbers, existing_sweep
from perceptron.composition.settings.sweep_options import is_basic, sweep_options
from perceptron.composition.sweeps.checked_space import planned_trials
from perceptron.composition.sweeps.command_backup import back_up_command
from perceptron.composition.sweeps.job_list import JobList, check_number, list_jobs
from perceptron.composition.sweeps.sweep_summary import (
    conclude_sweep,
    discard_empty_sweep,
    remove_leftovers_of_jobs,
)
from perceptron.errors import StoppedError
from perceptron.sweeps.job_count import advice, lacks_nothing
from perceptron.sweeps.progress import SweepProgress

_FAILED_STATUS = 1
_OWN_SWEEPER = "hydra_plugins.perceptron_sweepers.basic_sweeper.BasicSweeper"


class SweepCallback(Callback):
    """Shows progress and, at the end, the summary; a failed job makes the exit status 1.

    Hydra makes the callback itself, hands it to nobody and sends copies to other processes: whatever belongs to the
    process that runs the sweep is an attribute of the class.

    Args:
        options: of sweeps, which are read from the configuration instead.

    Attributes:
        jobs: of the sweep that this process runs; None before they are known, and for a search.
        n_jobs: their number; None if the sweeper does not say.
        n_left_out: combinations that its filter has left out.
        folder: of the sweep that this process runs; None before it is known.
        within: the nearest folder around it that was there before.
        progress: shown meanwhile; None outside of a sweep.
    """

    jobs: ClassVar[JobList | None] = None
    n_jobs: ClassVar[int | None] = None
    n_left_out: ClassVar[int] = 0
    folder: ClassVar[Path | None] = None
    within: ClassVar[Path] = Path()
    progress: ClassVar[SweepProgress | None] = None

    def __init__(self, **options: Any) -> None:
        pass

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """List the jobs, print a plan if one is asked for, and start to show progress."""
        with ending_the_program():
            list_sweep(config)
            if sweep_options(config).dry_run:
                # Here, because it imports what trains.
                from perceptron.composition.sweeps.dry_run import print_plan

                loader = GlobalHydra.instance().config_loader()
                print_plan(config, loader, SweepCallback.jobs, SweepCallback.n_jobs or 0)
                sys.exit(0)
            if is_basic(config):
                with read_write(config.hydra):
                    config.hydra.sweeper._target_ = _OWN_SWEEPER
            place = existing_sweep(config) or Path(config.paths.log_dir).absolute()
            SweepCallback.within = next(folder for folder in (place, *place.absolute().parents) if folder.is_dir())
            SweepCallback.folder = Path(config.hydra.sweep.dir)
            back_up_command(SweepCallback.folder)
            SweepCallback.progress = SweepProgress(SweepCallback.folder, total=SweepCallback.n_jobs)
            # A population has a bar of its own, over epochs: its jobs end together.
            if not config.hydra.launcher._target_.endswith(".PopulationLauncher"):
                SweepCallback.progress.start()

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Share the cores among jobs that run side by side; called in the job's process, before it imports torch."""
        with ending_the_program():
            threads = threads_per_job(config)
            if threads is not None:
                os.environ.setdefault("OMP_NUM_THREADS", str(threads))

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:  # noqa: ARG002
        """Free the job's configuration: launchers keep each to the end, a quarter of a MiB a job (measured)."""
        if config.hydra.mode == RunMode.MULTIRUN:
            job_return.cfg = job_return.hydra_cfg = None

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Print and write the summary."""
        with ending_the_program(lambda: SweepCallback.folder or Path.cwd()):
            failed = finish_sweep()
        if failed:
            # Hydra has no way to return a status; it lets SystemExit pass.
            sys.exit(_FAILED_STATUS)


def finish_sweep(*, interrupted: bool = False) -> int:
    """Print and write the summary of the sweep that this process runs.

    Args:
        interrupted: see ``conclude_sweep``.

    Returns:
        Number of failed jobs; 0 if there is no sweep, or its summary is written already.
    """
    progress, SweepCallback.progress = SweepCallback.progress, None
    if progress is None:
        return 0
    progress.stop()
    failed = conclude_sweep(progress.folder, n_left_out=SweepCallback.n_left_out, interrupted=interrupted)
    discard_empty_sweep(progress.folder, within=SweepCallback.within)
    return failed


def stop_sweep() -> str | None:
    """Write the summary so far of this process's sweep, which is being stopped, and remove partly written files.

    Returns:
        How to continue it, or that it is finished; None if there is no sweep, or nothing of it is left.
    """
    folder = SweepCallback.folder
    if folder is None:
        return None
    with suppress(StoppedError, OSError):
        # A second signal, a full disk or a closed terminal leaves no summary.
        finish_sweep(interrupted=True)
    remove_leftovers_of_jobs(folder)
    if not folder.is_dir():
        return None
    is_finished = lacks_nothing(folder) and (folder / "summary.md").is_file()
    return f"the sweep in {folder} is finished" if is_finished else f"go on with {advice(folder)}"


def list_sweep(config: DictConfig) -> None:
    """List the jobs of the sweep that this process runs, or count its trials.

    Args:
        config: the multirun's, with ``hydra``.

    Raises:
        UsageError: see ``list_jobs``.
    """
    options = sweep_options(config)
    # Hydra's loader knows the options of glob(*).
    loader = GlobalHydra.instance().config_loader()
    SweepCallback.jobs = SweepCallback.n_jobs = None
    SweepCallback.n_left_out = 0
    if is_basic(config):
        SweepCallback.jobs = list_jobs(config, loader, options)
        SweepCallback.n_left_out = SweepCallback.jobs.n_left_out
        if options.filter is not None:
            check_numbers(config, SweepCallback.jobs.jobs)
        SweepCallback.n_jobs = len(SweepCallback.jobs.jobs)
        return
    SweepCallback.n_jobs = planned_trials(config, loader)
    if SweepCallback.n_jobs is not None:
        check_number(SweepCallback.n_jobs, options, fix=f"set hydra.sweeper.n_trials={options.max_jobs}")


def threads_per_job(config: DictConfig) -> int | None:
    """Threads that a job may use where others run beside it; None if it has the machine for itself.

    More threads than cores make all jobs together take several times as long (measured: 51 to 137 s against 13 s).
    """
    launcher = config.hydra.launcher
    name = str(config.hydra.runtime.choices.get("hydra/launcher"))
    if name == "joblib":
        # Imported here, because only this launcher needs it. It counts the cores that this process may use.
        from joblib import cpu_count

        return max(1, cpu_count() // launcher.n_jobs) if launcher.n_jobs > 0 else 1
    if name.startswith("submitit"):
        return int(launcher.cpus_per_task or 1)
    return int(OmegaConf.select(launcher, "ray.remote.num_cpus") or 1) if name == "ray" else None
