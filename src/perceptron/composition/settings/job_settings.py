"""The settings of a job before it starts. The only place that sets Hydra's global configuration."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from perceptron.composition.settings.fit_to_targets import fit_to_targets

# The folder of a job is made when it starts, and its name is asked for then.
_NO_FOLDER = "<folder>"


@contextmanager
def job_settings(config: DictConfig, *, in_multirun: bool) -> Iterator[DictConfig]:
    """A copy of a job's settings without ``hydra``; inside, ``${hydra:...}`` can be resolved.

    It is fitted to the targets of its parts.

    Args:
        config: as Hydra composed it, with ``hydra``.
        in_multirun: whether it is a job of a multirun, whose number is then 0; a single run has none.
    """
    job: DictConfig = config.copy()
    with read_write(job.hydra), open_dict(job.hydra):
        job.hydra.run.dir = job.hydra.sweep.dir = job.hydra.runtime.output_dir = _NO_FOLDER
        if in_multirun:
            job.hydra.job.num, job.hydra.job.id = 0, "0"
    before = HydraConfig.instance().cfg
    try:
        HydraConfig.instance().set_config(job)
        fit_to_targets(job, job.hydra)
        with open_dict(job):
            del job["hydra"]
        yield job
    finally:
        HydraConfig.instance().cfg = before


def typed_settings() -> list[str]:
    """Keys of the settings and groups that the running job was started with; empty without Hydra."""
    if not HydraConfig.initialized():
        return []
    # Unresolved, for the texts may hold interpolations.
    overrides: Any = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    return [text.lstrip("+~").partition("=")[0] for text in overrides]
