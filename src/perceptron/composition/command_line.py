"""The command line of training, which Hydra composes and runs. Imports nothing heavy."""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.callback_errors import Refusal
from perceptron.composition.command_flags import read_command_line
from perceptron.composition.hydra_parser import text_as_help
from perceptron.composition.settings.before_start import CheckBeforeStart
from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.data_paths import make_data_paths_absolute
from perceptron.composition.settings.explain import explain
from perceptron.composition.settings.fit_to_targets import fit_to_targets
from perceptron.composition.settings.help import help_text
from perceptron.composition.sweeps.best_setting import with_best
from perceptron.composition.sweeps.resume import resumed_arguments
from perceptron.composition.sweeps.sweep_callback import SweepCallback, finish_sweep, stop_sweep
from perceptron.composition.sweeps.train_job import train_as_job
from perceptron.composition.unfinished_folders import discard, discard_empty, resume_advice
from perceptron.errors import InterruptedRunError, StoppedError, UsageError, reason
from perceptron.runs.failures import is_no_room, no_room
from perceptron.terminal.pipes import ended_by_reader
from perceptron.terminal.signals import ended_by_signals, raise_if_lost
from perceptron.terminal.status import clear, status_line
from perceptron.terminal.text import TerminalHandler, escape_unencodable, fail


def main(arguments: Sequence[str] | None = None) -> None:
    """``python train.py``: read the command line, let Hydra run it, and end with one line where it cannot run.

    Args:
        arguments: those for training, at the end of ``sys.argv``; None for all of it.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    escape_unencodable()
    with ended_by_reader(), ended_by_signals(), status_line("reading the settings"):
        if {"--help", "-h"} & set(arguments):
            text = help_text()
            clear()
            print(text)
            return
        try:
            run_command(arguments)
        except UsageError as error:
            fail(error)


def run_command(arguments: Sequence[str], *, in_one_process: bool = False) -> None:
    """Let Hydra compose and run. It changes ``sys.argv``, the environment, and the loggers.

    Args:
        arguments: those for training, at the end of ``sys.argv``.
        in_one_process: see ``CheckBeforeStart``.

    Raises:
        UsageError: for a mistake that the user can correct.
        StoppedError: after a signal, or where the disk is full.
        SystemExit: where a job of a multirun failed.
    """
    TerminalHandler.told.clear()
    try:
        _run(arguments, in_one_process=in_one_process)
    except Refusal as refusal:
        raise refusal.error from refusal.__cause__
    except MemoryError as error:
        raise UsageError(
            f"a run must fit in memory, got {reason(error, lines=1)}; take less data or a smaller model"
        ) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"a run's folder must be writable, got {error}; choose another paths.log_dir") from error


def _run(arguments: Sequence[str], *, in_one_process: bool) -> None:
    """Let Hydra compose and run; a sweep that ends early still gets its summary."""
    command = read_command_line(resumed_arguments(arguments) or with_best(arguments))
    if command.prints:
        clear()
    # Hydra reads all of sys.argv. The callback restores the name of the command.
    name = sys.argv[1 : len(sys.argv) - len(arguments)]
    sys.argv[1:] = [*command.flags, *command.overrides]
    CheckBeforeStart.expect([*name, *sys.argv[1:]], in_one_process=in_one_process)
    SweepCallback.folder = SweepCallback.jobs = SweepCallback.n_jobs = None
    # Without it Hydra prints an exception in several lines and exits with 1.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    try:
        try:
            with warnings.catch_warnings():
                # Hydra only warns of a place in hydra.searchpath that does not exist.
                warnings.filterwarnings("error", message=r"provider=.*is not\s+available", category=UserWarning)
                with text_as_help():
                    _train()
        except Exception:
            # A signal that a library has dropped may be its cause.
            raise_if_lost()
            raise
    except KeyboardInterrupt as error:
        raise _stopped(InterruptedRunError(signal.SIGINT)) from error
    except StoppedError as error:
        raise _stopped(error) from error
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and is_no_room(error):
            raise _stopped(no_room(error, _folder(), advice=None)) from error
        finish_sweep()
        if CheckBeforeStart.passed is None or _is_about_settings(error):
            raise UsageError(explain(error, typed=command.overrides)) from error
        raise


@hydra.main(version_base="1.3", config_path=str(CONF_DIR), config_name="train")
def _train(cfg: DictConfig) -> float | str | None:
    """Train one run, or one job of a multirun."""
    # Here, because it imports torch.
    from perceptron.composition.run import run_once

    make_data_paths_absolute(cfg)
    hydras = HydraConfig.get()
    fit_to_targets(cfg, hydras)
    if hydras.mode == RunMode.MULTIRUN:
        return train_as_job(cfg, hydras.runtime.choices)
    folder = Path(cfg.paths.output_dir)
    try:
        if CheckBeforeStart.passed is None:
            raise UsageError(
                "a run must be checked before it starts, got a configuration without hydra.callbacks.check; leave "
                "hydra.callbacks as it is"
            )
        # Hydra has made its own.
        folder.mkdir(parents=True, exist_ok=True)
        CheckBeforeStart.folder = folder
        return run_once(cfg, hydras.runtime.choices)
    except (UsageError, StoppedError) as error:
        typed_in = Path(hydras.runtime.cwd)
        # The process of a sweep's job leaves its folder to the sweep.
        if OmegaConf.is_missing(hydras.job, "num"):
            discard(Path(hydras.runtime.output_dir), cfg.task_name, typed_in=typed_in)
        discard_empty(folder, typed_in=typed_in)
        if isinstance(error, UsageError):
            raise Refusal(error) from error
        error.advice = error.advice or resume_advice(folder)
        raise
    except Exception:
        # Here, before Hydra prints a line about it.
        raise_if_lost()
        raise


def _stopped(error: StoppedError) -> StoppedError:
    """Delete what a run left that was stopped before it began; add how to go on with any other run or sweep."""
    # Hydra has set it to INFO, and a library whose import was interrupted logs what nobody asked for.
    logging.getLogger().setLevel(logging.WARNING)
    config = CheckBeforeStart.passed
    if config is None or config.hydra.mode == RunMode.MULTIRUN:
        error.advice = stop_sweep()
    else:
        discard(_folder(), config.task_name, typed_in=Path(config.hydra.runtime.cwd))
        error.advice = error.advice or resume_advice(_folder())
    return error


def _folder() -> Path:
    """Folder of the run or the sweep that this process runs."""
    config = CheckBeforeStart.passed
    if config is None or config.hydra.mode == RunMode.MULTIRUN:
        return SweepCallback.folder or Path.cwd()
    return Path(config.hydra.run.dir)


def _is_about_settings(error: Exception) -> bool:
    """Whether Hydra raises an exception after the check, or Python's logging, when a job configures it."""
    if isinstance(error, HydraException | OmegaConfBaseException):
        # Some of OmegaConf's are a ValueError, too.
        return True
    return isinstance(error, ValueError) and str(error).startswith(("Unable to configure", "Unsupported version"))
