"""The sweeper that runs for ``hydra/sweeper=basic``. Hydra imports this at every start, so it imports nothing heavy."""

from collections.abc import Mapping
from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, read_write

HYDRAS = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"


class BasicSweeper(Sweeper):
    """Runs all combinations of the values that are swept, without those that a filter leaves out.

    The callback of sweeps has it take the place of Hydra's sweeper of this name, which has no filter and cannot be
    stopped between jobs. Hydra admits no other configuration under the name of one of its own.

    Args:
        max_batch_size: jobs that are handed to the launcher at once; None for all.
        params: values of settings beside those that are typed, in Hydra's override syntax.
    """

    def __init__(self, max_batch_size: int | None = None, params: Mapping[str, Any] | None = None) -> None:
        self.max_batch_size = max_batch_size
        self.params = params

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Make the launcher."""
        # Imported here, because it scans for plugins, this one among them.
        from hydra.core.plugins import Plugins

        # The files of the sweep and of its jobs say what was composed.
        with read_write(config.hydra):
            config.hydra.sweeper._target_ = HYDRAS
        self._config = config
        self._loader = hydra_context.config_loader
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:  # noqa: ARG002
        """Run the jobs; ``arguments``, the overrides of the command line, are in the configuration, too."""
        from perceptron.composition.sweeps.job_batches import run_jobs

        return run_jobs(
            config=self._config, loader=self._loader, launcher=self._launcher, max_batch_size=self.max_batch_size
        )
