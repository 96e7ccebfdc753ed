"""The jobs of a multirun, handed to Hydra's launcher in batches. Imports nothing heavy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.sweep_options import sweep_options
from perceptron.composition.sweeps.job_list import list_jobs
from perceptron.composition.sweeps.sweep_callback import SweepCallback
from perceptron.composition.sweeps.time_limit import NOT_STARTED, TimeLimit
from perceptron.runs.plain_yaml import as_yaml
from perceptron.sweeps.job_count import write_job_count

_ONE_AFTER_ANOTHER = ".BasicLauncher"


def run_jobs(
    *, config: DictConfig, loader: ConfigLoader, launcher: Launcher, max_batch_size: int | None
) -> list[Sequence[JobReturn]]:
    """Run the jobs of a multirun.

    Args:
        config: the multirun's, with ``hydra``.
        loader: Hydra's.
        launcher: runs a batch of jobs.
        max_batch_size: None for all jobs in one batch.

    Returns:
        The results of each batch, in the jobs' order.

    Raises:
        OutOfTimeError: if the time of the sweep has passed before all jobs were started.
    """
    options = sweep_options(config)
    # The callback has listed them, unless it was taken away.
    listed = SweepCallback.jobs or list_jobs(config, loader, options)
    folder = Path(config.hydra.sweep.dir)
    folder.mkdir(parents=True, exist_ok=True)
    # What ``OmegaConf.save`` writes, by the writer in C.
    written: Any = OmegaConf.to_container(config, enum_to_str=True)
    (folder / "multirun.yaml").write_text(as_yaml(written), encoding="utf-8")
    write_job_count(folder, len(listed.jobs), listed.jobs)
    limit = TimeLimit(options.max_hours)
    size = max_batch_size or len(listed.jobs)
    if options.max_hours is not None and str(config.hydra.launcher._target_).endswith(_ONE_AFTER_ANOTHER):
        # This launcher would make and remove the folder of each job that is not started.
        size = 1
    results = []
    for first in range(0, len(listed.jobs), size):
        limit.check(n_waiting=len(listed.jobs) - first)
        batch = [[*job, *limit.overrides] for job in listed.jobs[first : first + size]]
        returned = launcher.launch(batch, initial_job_idx=first)
        # What a launcher could not run is raised here.
        values = [result.return_value for result in returned]
        n_waiting = values.count(NOT_STARTED)
        if n_waiting:
            limit.check(n_waiting=n_waiting + len(listed.jobs) - first - len(batch))
        results.append(returned)
    return results
