"""``hydra/sweeper=optuna``. Hydra imports this at every start, so it imports nothing heavy."""

from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class OptunaSweeper(Sweeper):
    """Searches with Optuna 5; ``conf/hydra/sweeper/optuna.yaml`` documents the settings.

    To be dropped when a stable release of hydra-optuna-sweeper takes Optuna 5.
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Make the launcher."""
        # Imported here, because it scans for plugins, this one among them.
        from hydra.core.plugins import Plugins

        self._config = config
        self._loader = hydra_context.config_loader
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Search; ``arguments`` are the overrides of the command line, swept ones among them."""
        from perceptron.composition.sweeps.search import search

        return search(
            arguments,
            settings=self.settings,
            config=self._config,
            loader=self._loader,
            launcher=self._launcher,
        )
