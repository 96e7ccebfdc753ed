"""Hydra's callback before a run or a multirun: nothing is made of settings that are wrong."""

from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from perceptron.composition.settings.composed import check_composed
from perceptron.errors import UsageError, fail


class SettingsCheck(Callback):
    """Ends the program where what was composed is wrong, with a line that says why."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check a run."""
        _check(config, kwargs["config_name"], multirun=False)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the jobs of a multirun."""
        _check(config, kwargs["config_name"], multirun=True)


def _check(config: DictConfig, config_name: str, *, multirun: bool) -> None:
    try:
        check_composed(config, config_name=config_name, multirun=multirun)
    except UsageError as error:
        # What a callback raises, Hydra turns into a warning, save for the end of the program.
        fail(error)
