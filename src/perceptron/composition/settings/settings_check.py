"""Hydra's callback before a multirun: nothing is made of settings that are wrong."""

import sys
import traceback
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from perceptron.composition.settings.command import check_composed
from perceptron.errors import UsageError, fail

_FAILED_STATUS = 1


class SettingsCheck(Callback):
    """Ends the program where what was composed is wrong, with a line that says why.

    Attributes:
        reached: whether Hydra has composed a multirun since this was set to False: it makes the callback itself and
            hands it to nobody.
    """

    reached: ClassVar[bool] = False

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the jobs."""
        SettingsCheck.reached = True
        # What a callback raises, Hydra turns into a warning, save for the end of the program.
        try:
            check_composed(config, config_name=kwargs["config_name"])
        except UsageError as error:
            fail(error)
        except Exception:
            traceback.print_exc()
            sys.exit(_FAILED_STATUS)
