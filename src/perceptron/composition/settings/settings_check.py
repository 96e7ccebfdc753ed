"""Hydra's callback before a run or a multirun: nothing is made of settings that are wrong."""

import sys
import traceback
from pathlib import Path
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.command import check_composed
from perceptron.errors import UsageError, fail
from perceptron.files.writing import check_contained

_FAILED_STATUS = 1
# By it the default of both folders is one that did not exist.
_MAKES_OWN = "${own_folder:"


class SettingsCheck(Callback):
    """Ends the program where what was composed is wrong, with a line that says why.

    Attributes:
        reached: whether Hydra has composed a multirun since this was set to False: it makes the callback itself and
            hands it to nobody.
    """

    reached: ClassVar[bool] = False

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Check the folder, which is not made yet."""
        try:
            _check_folder(config, "hydra.run.dir")
        except UsageError as error:
            fail(error)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the jobs."""
        SettingsCheck.reached = True
        # What a callback raises, Hydra turns into a warning, save for the end of the program.
        try:
            _check_folder(config, "hydra.sweep.dir")
            check_composed(config, config_name=kwargs["config_name"])
        except UsageError as error:
            fail(error)
        except Exception:
            traceback.print_exc()
            sys.exit(_FAILED_STATUS)


def _check_folder(config: DictConfig, key: str) -> None:
    """Check an existing folder that is named for a run or a sweep, before Hydra writes into it.

    Not the folder that the command is typed in, or one around it: what lies there is the user's own.

    Raises:
        UsageError: where a link leads out of it.
    """
    group, _, name = key.rpartition(".")
    raw = OmegaConf.to_container(OmegaConf.select(config, group), resolve=False)
    if not isinstance(raw, dict) or str(raw[name]).startswith(_MAKES_OWN):
        return
    try:
        folder = Path(str(OmegaConf.select(config, key))).absolute()
    except OmegaConfBaseException:
        # Hydra says what is wrong with it.
        return
    if not Path.cwd().is_relative_to(folder):
        check_contained(folder)
