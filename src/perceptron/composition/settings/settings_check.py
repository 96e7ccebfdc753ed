"""Hydra's callback before a multirun: nothing is made of settings that are wrong."""

from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from perceptron.composition.callback_errors import ending_the_program
from perceptron.composition.settings.command import check_composed


class SettingsCheck(Callback):
    """Ends the program where what was composed is wrong, with a line that says why.

    Attributes:
        reached: whether Hydra has composed a multirun since this was set to False: it makes the callback itself and
            hands it to nobody.
        of_run: what Hydra has composed for a single run, which is about to make its folder; None before.
    """

    reached: ClassVar[bool] = False
    of_run: ClassVar[DictConfig | None] = None

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Remember it."""
        SettingsCheck.of_run = config

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the jobs."""
        SettingsCheck.reached = True
        with ending_the_program():
            check_composed(config, config_name=kwargs["config_name"])
