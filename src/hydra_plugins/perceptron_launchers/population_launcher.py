"""``hydra/launcher=population``. Hydra imports this at every start, so it imports nothing heavy."""

from collections.abc import Sequence

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class PopulationLauncher(Launcher):
    """Trains the jobs of a multirun side by side, those that allow it.

    Args:
        max_members: models trained at once, in all processes. None for what is good on the device.
    """

    def __init__(self, max_members: int | None = None) -> None:
        self.max_members = max_members

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands over, and let jobs be composed quickly, by the sweeper too."""
        from perceptron.composition.sweeps.loader import SweepLoader

        hydra_context.config_loader = SweepLoader(hydra_context.config_loader)
        self._context = hydra_context
        self._task_function = task_function
        self._config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs; their results in the jobs' order."""
        from perceptron.garbage_collection import heavy_imports

        with heavy_imports():
            from perceptron.composition.population.launcher import launch

        return launch(
            job_overrides,
            initial_job_idx,
            context=self._context,
            task_function=self._task_function,
            config=self._config,
            max_members=self.max_members,
        )
