"""Hydra's callback before a run or a multirun starts: wrong settings write nothing, and results are not replaced."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from perceptron.composition.callback_errors import ending_the_program
from perceptron.composition.settings.checks import check, check_one_device
from perceptron.composition.settings.extras import check_extras
from perceptron.composition.settings.job_settings import job_settings
from perceptron.composition.settings.output_folders import check_job_folders, check_new_run, check_new_sweep
from perceptron.composition.settings.ray_address import check_ray
from perceptron.composition.settings.schema import constraints_of_target
from perceptron.composition.settings.schema.constraints import check_constraint
from perceptron.composition.settings.sweep_options import check_no_options, is_basic, sweep_options
from perceptron.composition.settings.sweep_values import check_sweeps
from perceptron.errors import UsageError

# Hydra takes plug-ins from these packages alone.
_PLUGINS = ("hydra_plugins.", "hydra._internal.core_plugins.")


class CheckBeforeStart(Callback):
    """Ends the program with one line where the configuration that Hydra composed is wrong.

    Hydra makes the callback itself and hands it to nobody, so what belongs to the process stands in the class.

    Attributes:
        passed: what Hydra composed for this run or multirun, once it is found right; None before.
        arguments: the command line with the name of the command, which Hydra must not read: provenance shows them, and
            the processes of a strategy are started with them. None to leave ``sys.argv`` as it is.
        folder: of the single run that has started in this process; None before, and in a multirun.
        in_one_process: whether Python called, so that further processes of a strategy have no command line to start.
    """

    passed: ClassVar[DictConfig | None] = None
    arguments: ClassVar[Sequence[str] | None] = None
    folder: ClassVar[Path | None] = None
    in_one_process: ClassVar[bool] = False

    @classmethod
    def expect(cls, arguments: Sequence[str], *, in_one_process: bool = False) -> None:
        """Prepare for the run or multirun of a command line."""
        cls.passed, cls.folder = None, None
        cls.arguments, cls.in_one_process = arguments, in_one_process

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Check the settings of a single run, and that it replaces no other."""
        self._restore_arguments()
        with ending_the_program():
            check_run(config)
            if CheckBeforeStart.in_one_process:
                check_one_device(config, what="a run in Python", fix="type it on the command line")
        CheckBeforeStart.passed = config

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:  # noqa: ARG002
        """Check the settings of all jobs, what runs them, and that they are no other sweep's."""
        self._restore_arguments()
        with ending_the_program():
            check_multirun(config, GlobalHydra.instance().config_loader())
        CheckBeforeStart.passed = config

    def _restore_arguments(self) -> None:
        if CheckBeforeStart.arguments is not None:
            sys.argv[1:] = CheckBeforeStart.arguments


def check_run(config: DictConfig) -> None:
    """Check a single run.

    Args:
        config: as Hydra composed it, with ``hydra``.

    Raises:
        UsageError: for the first setting that is wrong.
    """
    check_extras(config.hydra.runtime.choices)
    _check_plugins(config.hydra)
    _check_local(config.hydra)
    check_no_options(config)
    with job_settings(config, in_multirun=False) as cfg:
        check(cfg)
    check_new_run(config)


def check_multirun(config: DictConfig, loader: ConfigLoader) -> None:
    """Check a multirun and the values of all its sweeps.

    Args:
        config: as Hydra composed it, with ``hydra``.
        loader: Hydra's.

    Raises:
        UsageError, HydraException, OmegaConfBaseException: for the first setting that is wrong.
    """
    check_extras(config.hydra.runtime.choices)
    _check_plugins(config.hydra)
    _check_local(config.hydra)
    check_job_folders(config)
    options = sweep_options(config)
    # With a filter, the values are checked in the combinations that it leaves, when these are listed.
    if options.filter is None or not is_basic(config):
        check_sweeps(config, loader)
    check_new_sweep(config)


def _check_plugins(hydra: DictConfig) -> None:
    """Check the launcher and the sweeper, and the settings of each."""
    for name in ("launcher", "sweeper"):
        part = hydra[name]
        target = part.get("_target_") if isinstance(part, DictConfig) else None
        if not str(target).startswith(_PLUGINS):
            raise UsageError(f"hydra.{name}._target_ must be a plug-in of Hydra, got {target}; set hydra/{name}")
        for key, constraint in constraints_of_target(str(target)).items():
            check_constraint(f"hydra.{name}.{key}", part.get(key), constraint)
    if str(hydra.launcher._target_).endswith(".PopulationLauncher"):
        check_ray(hydra.launcher.get("cluster"))


def _check_local(hydra: DictConfig) -> None:
    """Refuse a file of ``local`` that does not exist: the group is optional, so Hydra composes without it."""
    name = hydra.runtime.choices.get("local")
    folders = [Path(source.path) / "local" for source in hydra.runtime.config_sources if source.schema == "file"]
    if name not in (None, "default") and not any((folder / f"{name}.yaml").is_file() for folder in folders):
        raise UsageError(
            f"local must be a file in conf/local, got {name}; write conf/local/{name}.yaml or leave it out"
        )
