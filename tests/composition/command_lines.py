"""Command lines composed and checked as training does, without a run."""

from collections.abc import Sequence

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from perceptron.composition.command_flags import read_command_line
from perceptron.composition.settings.before_start import check_multirun, check_run
from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.sweeps.sweep_callback import list_sweep


def check_command_line(typed: Sequence[str]) -> None:
    """Raise what ends the program for these arguments of ``python train.py``."""
    command = read_command_line(typed)
    is_multirun = bool({"-m", "--multirun"} & set(command.flags))
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        mode = RunMode.MULTIRUN if is_multirun else RunMode.RUN
        config = loader.load_configuration("train", list(command.overrides), run_mode=mode)
        if is_multirun:
            check_multirun(config, loader)
            list_sweep(config)
        else:
            check_run(config)
