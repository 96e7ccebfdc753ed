"""Hydra's callback around a multirun: progress while it runs, the summary at its end."""

import math
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.callback_errors import ending_the_program
from perceptron.composition.settings.parsing import parsed_overrides
from perceptron.composition.sweeps.command_backup import back_up_command
from perceptron.composition.sweeps.sweep_summary import conclude_sweep, remove_leftovers_of_jobs
from perceptron.errors import StoppedError
from perceptron.invocation import training_command
from perceptron.sweeps.progress import SweepProgress

_FAILED_STATUS = 1


class SweepCallback(Callback):
    """Shows progress and, at the end, the summary; a failed job makes the exit status 1.

    Hydra makes the callback itself, hands it to nobody and sends copies to other processes: whatever belongs to the
    process that runs the sweep is an attribute of the class.

    Attributes:
        folder: of the sweep that this process runs; None before it is known.
        progress: shown meanwhile; None outside of a sweep.
    """

    folder: ClassVar[Path | None] = None
    progress: ClassVar[SweepProgress | None] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Start to show progress."""
        with ending_the_program():
            total = planned_jobs(config)
            SweepCallback.folder = Path(config.hydra.sweep.dir)
            back_up_command(SweepCallback.folder)
            SweepCallback.progress = SweepProgress(SweepCallback.folder, total=total)
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
    return conclude_sweep(progress.folder, interrupted=interrupted)


def stop_sweep() -> str | None:
    """Write the summary so far of this process's sweep, which is being stopped, and remove partly written files.

    Returns:
        How to continue it; None if there is no sweep, or nothing of it is left.
    """
    folder = SweepCallback.folder
    if folder is None:
        return None
    with suppress(StoppedError, OSError):
        # A second signal, a full disk or a closed terminal leaves no summary.
        finish_sweep(interrupted=True)
    remove_leftovers_of_jobs(folder)
    return f"go on with {training_command()} -m sweep.resume={folder}" if folder.is_dir() else None


def planned_jobs(config: DictConfig) -> int | None:
    """Number of jobs that a multirun will have; None if its sweeper does not say."""
    sweeper = config.hydra.sweeper
    if "n_trials" in sweeper:
        return int(sweeper.n_trials)
    params = OmegaConf.select(sweeper, "params") or {}
    typed: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    texts = [f"{key}={value}" for key, value in params.items()] + typed
    # Hydra's loader knows the options of glob(*).
    loader = GlobalHydra.instance().config_loader()
    overrides = {override.get_key_element(): override for override in parsed_overrides(texts, loader)}
    sweeps = [override for override in overrides.values() if override.is_sweep_override()]
    if not all(override.is_discrete_sweep() for override in sweeps):
        return None
    return math.prod(sum(1 for _ in override.sweep_string_iterator()) for override in sweeps)


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
