"""``hydra/launcher=population``. Hydra imports this at every start, so it imports nothing heavy."""

from collections.abc import Sequence
from typing import cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class PopulationLauncher(Launcher):
    """Trains the jobs of a multirun side by side, those that allow it.

    Args:
        max_members: models trained at the same time, in all processes; None for as many as suit the device.
        cluster: ``ray`` for a Ray cluster, ``auto`` for the one that ``RAY_ADDRESS`` names, if any; None for this
            machine.
    """

    def __init__(self, max_members: int | None = None, cluster: str | None = None) -> None:
        self.max_members = max_members
        self.cluster = cluster

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Replace Hydra's loader by a quicker one: its sweeper composes every job before the launch.

        Raises:
            UsageError: if the cluster does not answer.
        """
        from perceptron.composition.population.job_loader import shared_loader
        from perceptron.composition.population.ray_connection import connect
        from perceptron.composition.settings.ray_address import uses_ray

        self._on_ray = uses_ray(self.cluster)
        if self._on_ray:
            connect()
        self._loader = shared_loader(hydra_context.config_loader)
        hydra_context.config_loader = cast(ConfigLoader, self._loader)
        self._context = hydra_context
        self._task_function = task_function
        self._config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs; their results in the jobs' order."""
        from perceptron.garbage_collection import heavy_imports
        from perceptron.terminal.status import show

        show("loading torch and lightning")
        with heavy_imports():
            from perceptron.composition.population.launcher import launch

        return launch(
            job_overrides,
            initial_job_idx,
            loader=self._loader,
            context=self._context,
            task_function=self._task_function,
            config=self._config,
            max_members=self.max_members,
            on_ray=self._on_ray,
        )
