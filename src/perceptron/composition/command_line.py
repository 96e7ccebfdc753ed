"""The command line of training, read and handed to Hydra; where Hydra fails, we say why. Imports nothing heavy."""

import argparse
import logging
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.checks import check
from perceptron.composition.settings.command import check_overrides
from perceptron.composition.settings.help import help_text
from perceptron.composition.settings.overrides import CONF_DIR, one_line
from perceptron.composition.settings.paths import follow_the_job
from perceptron.composition.settings.settings_check import SettingsCheck
from perceptron.composition.sweeps.best_setting import with_best
from perceptron.composition.sweeps.resume import resumed_arguments
from perceptron.composition.sweeps.sweep_callback import SweepCallback, finish_sweep, stop_sweep
from perceptron.composition.sweeps.train_job import train_as_job
from perceptron.errors import InterruptedRunError, StoppedError, UsageError, reason
from perceptron.runs.failures import is_no_room, no_room
from perceptron.runs.folder import Run
from perceptron.spelling import did_you_mean
from perceptron.terminal.pipes import ended_by_reader
from perceptron.terminal.signals import ended_by_signals, raise_if_lost
from perceptron.terminal.text import fail


def main(arguments: Sequence[str] | None = None) -> None:
    """``python train.py``: check the command line, then let Hydra run it.

    Args:
        arguments: those for training, at the end of ``sys.argv``; None for all of it.
    """
    with ended_by_reader(), ended_by_signals():
        _main(sys.argv[1:] if arguments is None else arguments)


def _main(arguments: Sequence[str]) -> None:
    if {"--help", "-h"} & set(arguments):
        print(help_text())
        return
    try:
        try:
            _run(arguments)
        except Exception:
            # A signal that a library has dropped may be its cause.
            raise_if_lost()
            raise
    except (HydraException, OmegaConfBaseException) as error:
        fail(one_line(error))
    except UsageError as error:
        fail(error)
    except ValueError as error:
        # What Python's logging says of Hydra's settings.
        if not str(error).startswith(("Unable to configure", "Unsupported version")):
            raise
        said = ", ".join(reason(each) for each in (error, error.__cause__) if each is not None)
        fail(f"hydra.job_logging must be what Python's logging takes: {said}; leave it out")
    except MemoryError as error:
        fail(f"a run must fit in memory, got {reason(error, lines=1)}; take less data or a smaller model")
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(f"a run's folder must be writable, got {error}; choose another paths.log_dir")


def _run(arguments: Sequence[str]) -> None:
    """Let Hydra compose and run; a sweep that is broken off still gets its summary, before the line that says why."""
    command = parsed_arguments(resumed_arguments(arguments) or with_best(arguments))
    if command.looks_first:
        command.check()
    # Hydra reads all of it; provenance and the processes that Lightning starts need the name of the command, too.
    name = sys.argv[1 : len(sys.argv) - len(arguments)]
    sys.argv[1:] = command.arguments
    SettingsCheck.arguments = [*name, *command.arguments]
    # Without it Hydra's own handler prints several lines and exits with 1.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    SettingsCheck.reached, SettingsCheck.of_run, SweepCallback.folder = False, None, None
    try:
        try:
            _train()
        except Exception:
            raise_if_lost()
            raise
    except KeyboardInterrupt as error:
        raise _stopped(InterruptedRunError(signal.SIGINT)) from error
    except StoppedError as error:
        raise _stopped(error) from error
    except Exception as error:
        if isinstance(error, OSError) and is_no_room(error):
            raise _stopped(no_room(error, _folder(), advice=None)) from error
        finish_sweep()
        if not (command.looks_first or SettingsCheck.reached):
            # Hydra could not compose what was typed: this says which override it is.
            command.check()
        raise


def _stopped(error: StoppedError) -> StoppedError:
    """Take back what a run or a sweep has left that was stopped before it began; how to go on with any other."""
    # Hydra has set it to INFO, and a library whose import was broken off tells what nobody has asked for.
    logging.getLogger().setLevel(logging.WARNING)
    cfg = SettingsCheck.of_run
    if cfg is None:
        error.advice = stop_sweep()
    else:
        _take_back(_folder(), cfg.task_name, cwd=Path(cfg.hydra.runtime.cwd))
        error.advice = error.advice or _advice(_folder())
    return error


def _advice(folder: Path) -> str | None:
    """How to go on with what a stopped run has left in its folder; None where that is nothing."""
    advice = Run(folder).resume_advice
    if advice is None and folder.is_dir() and any(path.is_dir() and path.name != ".hydra" for path in folder.iterdir()):
        return f"delete {folder} and type the command again"
    return advice


def _folder() -> Path:
    """Folder of the run or the sweep that this process runs."""
    cfg = SettingsCheck.of_run
    return Path(cfg.hydra.run.dir) if cfg is not None else SweepCallback.folder or Path.cwd()


@hydra.main(version_base="1.3", config_path=str(CONF_DIR), config_name="train")
def _train(cfg: DictConfig) -> float | None:
    # Here, because it imports torch.
    from perceptron.composition.run import run_once

    follow_the_job(cfg)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return train_as_job(cfg, HydraConfig.get().runtime.choices)
    folder = Path(cfg.paths.output_dir)
    try:
        check(cfg)
        # Hydra has made its own.
        folder.mkdir(parents=True, exist_ok=True)
        return run_once(cfg, HydraConfig.get().runtime.choices)
    except (UsageError, StoppedError) as error:
        runtime = HydraConfig.get().runtime
        cwd = Path(runtime.cwd)
        _take_back(Path(runtime.output_dir), cfg.task_name, cwd=cwd)
        _remove_empty(folder, cwd=cwd)
        if isinstance(error, UsageError):
            fail(error)
        error.advice = error.advice or _advice(folder)
        raise
    except Exception:
        # Before Hydra prints a line about it.
        raise_if_lost()
        raise


def _take_back(folder: Path, task_name: str, *, cwd: Path) -> None:
    """Delete what a run has left that ended before it left more than its configuration and its log.

    Args:
        folder: that Hydra has made; what else lies there stays.
        task_name: name of its log.
        cwd: see ``_remove_empty``.
    """
    _close_logs(folder)
    if folder.is_dir() and all(path.name == ".hydra" or path.suffix == ".log" for path in folder.iterdir()):
        shutil.rmtree(folder / ".hydra", ignore_errors=True)
        (folder / f"{task_name}.log").unlink(missing_ok=True)
        _remove_empty(folder, cwd=cwd)


def _close_logs(folder: Path) -> None:
    """Stop logging to files in a folder: a handler would open its file again for what libraries log at their end."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).is_relative_to(folder.absolute()):
            root.removeHandler(handler)
            handler.close()


def _remove_empty(folder: Path, *, cwd: Path) -> None:
    """Take back a folder that nothing was put into, but never ``cwd``, where the command was typed."""
    if folder.resolve() != cwd.resolve():
        with suppress(OSError):
            folder.rmdir()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"the command line cannot be read: {message}; see --help")


@dataclass(frozen=True, kw_only=True)
class Command:
    """What a command line asks for.

    Attributes:
        arguments: for Hydra, flags first: it does not take overrides on both sides of a flag.
        overrides: those among them.
        multirun: whether ``-m`` is typed.
        config_name: the root configuration.
        config_dir: a folder of more configurations.
        composes: whether Hydra composes for it as for a run; not for ``--help``, ``--info`` or a ``--config-path``.
        looks_first: whether to compose and check the overrides before Hydra does. A run does, for the line of a typing
            error comes sooner so; a multirun does not, whose start is a good part of a population's time, but where
            settings of Hydra's own, typed or in another root, act before its callbacks are called: its logging opens
            files, ``hydra.verbose`` prints all, of a ``hydra.searchpath`` that is not there it warns.
    """

    arguments: Sequence[str]
    overrides: Sequence[str]
    multirun: bool
    config_name: str
    config_dir: str | None
    composes: bool
    looks_first: bool

    def check(self) -> None:
        """Compose what is asked for, and check it.

        Raises:
            UsageError: for the first override that cannot work.
        """
        if self.composes:
            check_overrides(
                self.overrides, multirun=self.multirun, config_name=self.config_name, config_dir=self.config_dir
            )


def parsed_arguments(arguments: Sequence[str]) -> Command:
    """Read a command line.

    Raises:
        UsageError: for flags that cannot be, alone or together.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    # Hydra's flags: https://hydra.cc/docs/1.3/advanced/hydra-command-line-flags
    parser.add_argument("--multirun", "-m", action="store_true")
    parser.add_argument("--config-name", "-cn", default="train")
    parser.add_argument("--config-dir", "-cd")
    parser.add_argument("--config-path", "-cp")
    parser.add_argument("--cfg", "-c", choices=("job", "hydra", "all"))
    parser.add_argument("--package", "-p")
    for flag in ("--run", "-r"), ("--resolve",):
        parser.add_argument(*flag, action="store_true")
    for flag in ("--help", "-h"), ("--hydra-help",), ("--version",), ("--shell-completion", "-sc"):
        parser.add_argument(*flag, action="store_true", dest="informs")
    parser.add_argument("--info", "-i", nargs="?", const="all", choices=_INFORMATION)
    parser.add_argument("overrides", nargs="*")
    _check_flags(arguments)
    parsed = parser.parse_intermixed_args(arguments)
    _check_together(parsed)
    overrides = [*parsed.overrides, *_defaults_of_a_table(parsed.overrides)]
    flags = [argument for argument in arguments if argument not in parsed.overrides]
    return Command(
        arguments=[*flags, *overrides],
        overrides=overrides,
        multirun=parsed.multirun,
        config_name=parsed.config_name,
        config_dir=parsed.config_dir,
        composes=not (parsed.informs or parsed.info or parsed.config_path),
        looks_first=not parsed.multirun or parsed.config_name != "train" or any(map(_is_hydras, overrides)),
    )


def _is_hydras(override: str) -> bool:
    """Whether it sets what is Hydra's own, except how many jobs there are and what runs them."""
    key = override.partition("=")[0].lstrip("+~")
    return key.startswith("hydra") and key not in ("hydra/launcher", "hydra/sweeper")


def _defaults_of_a_table(overrides: Sequence[str]) -> list[str]:
    """What a user-supplied table takes unless the command line names a model or an experiment.

    Which model a table needs is known only when it is read: ``model=auto``. With it, ``experiment=table`` sets
    optimizer and epochs. Added here, because in Hydra a model can select its data, but data cannot select a model.
    """
    typed = dict(override.split("=", 1) for override in overrides if "=" in override)
    if "experiment" in typed or typed.get("model", "auto") != "auto":
        return []
    if typed.get("data") == "table":
        return ["experiment=table"]
    return ["model=auto"] if typed.get("data") == "arrays" and "model" not in typed else []


def _check_flags(arguments: Sequence[str]) -> None:
    """Catch what argparse would say less well: a setting written as an option."""
    for argument in arguments:
        if argument.partition("=")[0] == _RERUN:
            raise UsageError(
                f"a run is repeated from its plain settings, got {_RERUN}, which reads a pickle, and a pickle can run "
                "code; type perceptron resume run=<folder>, or the run's command again"
            )
        if argument.startswith("--") and "=" in argument and argument.partition("=")[0] not in _LONG_FLAGS:
            raise UsageError(f"settings are written without dashes, got {argument}; type {argument.lstrip('-')}")
        if argument.startswith("--") and argument.partition("=")[0] not in _LONG_FLAGS:
            raise UsageError(f"there is no option {argument}; {did_you_mean(argument, _LONG_FLAGS)}")


def _check_together(parsed: argparse.Namespace) -> None:
    """Catch flags that Hydra answers with a traceback."""
    does = {"--cfg": parsed.cfg, "--multirun": parsed.multirun, "--run": parsed.run, "--info": parsed.info}
    asked = [flag for flag, typed in does.items() if typed]
    if len(asked) > 1:
        raise UsageError(f"a command line does one thing, got {' and '.join(asked)}; leave all but one of them out")
    if parsed.resolve:
        raise UsageError(
            "a configuration is resolved when it runs, which makes its folder, got --resolve; leave --resolve out"
        )


_RERUN = "--experimental-rerun"
_INFORMATION = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
_LONG_FLAGS = (
    "--multirun", "--config-name", "--config-dir", "--config-path", "--cfg", "--package",
    "--run", "--resolve", "--help", "--hydra-help", "--version", "--shell-completion", "--info",
)  # fmt: skip
