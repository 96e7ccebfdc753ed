"""Hydra's callback before anything is made: nothing is made of wrong settings, and no results are replaced."""

import sys
from collections.abc import Sequence
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from perceptron.composition.callback_errors import ending_the_program
from perceptron.composition.settings.command import check_composed
from perceptron.composition.settings.occupied import check_new_run, check_new_sweep


class SettingsCheck(Callback):
    """Ends the program where what was composed is wrong, with a line that says why.

    Hydra makes the callback itself and hands it to nobody, so what belongs to the process stands here.

    Attributes:
        reached: whether Hydra has composed a multirun since this was set to False.
        of_run: what Hydra has composed for a single run, which is about to make its folder; None before.
        arguments: of the command line, with the name of the command, which Hydra must not read: what provenance is to
            show, and what processes that take part in the training are started with; None to leave ``sys.argv`` as is.
    """

    reached: ClassVar[bool] = False
    of_run: ClassVar[DictConfig | None] = None
    arguments: ClassVar[Sequence[str] | None] = None

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Check that the run replaces no other."""
        self._restore_arguments()
        with ending_the_program():
            check_new_run(config)
        SettingsCheck.of_run = config

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the jobs, and that they are no other sweep's."""
        self._restore_arguments()
        SettingsCheck.reached = True
        with ending_the_program():
            check_composed(config, config_name=kwargs["config_name"])
            check_new_sweep(config)

    def _restore_arguments(self) -> None:
        if SettingsCheck.arguments is not None:
            sys.argv[1:] = SettingsCheck.arguments
