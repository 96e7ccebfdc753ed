"""Training in Python: the command line's settings and runs, called as functions."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from perceptron.errors import UsageError
from perceptron.results.run import RunResult, load_run
from perceptron.results.sweep import SweepResult, load_sweep


def train(overrides: Sequence[str] = ()) -> RunResult:
    """Train, test and log a model, as ``perceptron train`` does: the same folder, and the same bits in it.

    The process is as before when it returns: ``sys.argv``, the environment, loggers, warnings, signal handlers, random
    generators, and torch's number of threads. An interruption (Ctrl-C, or a notebook's stop button) saves the state and
    raises an ``InterruptedRunError``, whose text says how to resume.

    Args:
        overrides: settings as on the command line, such as ``["model=digits_mlp", "optimizer.lr=0.1"]``.

    Raises:
        UsageError: for whatever the command line would end with status 2; its text is the command's line.
    """
    _check_settings(overrides, instead="perceptron.sweep")
    with _process_as_it_was(["perceptron", "train", *overrides]):
        from perceptron.composition.command_line import run_command
        from perceptron.composition.settings.before_start import CheckBeforeStart

        run_command(list(overrides), in_one_process=True)
        folder = CheckBeforeStart.folder
    if folder is None:
        raise UsageError("train trains one run, got the settings of several; use perceptron.sweep")
    return load_run(folder)


def sweep(overrides: Sequence[str]) -> SweepResult:
    """Run a sweep, as ``perceptron train -m`` does. A failed job does not stop the others, and raises nothing here.

    Args:
        overrides: settings as on the command line, such as ``["model=logistic,binary_mlp", "seed=range(5)"]``; also
            ``["sweep.resume=<folder>"]``.

    Raises:
        UsageError: see ``train``.
    """
    _check_settings(overrides, instead="the command line")
    with _process_as_it_was(["perceptron", "train", "-m", *overrides]):
        from perceptron.composition.command_line import run_command
        from perceptron.composition.sweeps.sweep_callback import SweepCallback

        try:
            run_command(["-m", *overrides])
        except SystemExit:
            # A job failed: its row says why.
            if SweepCallback.folder is None:
                raise
        folder = SweepCallback.folder
    if folder is None:
        raise UsageError("sweep runs several jobs, got the settings of one run; use perceptron.train")
    return load_sweep(folder)


def _check_settings(overrides: Sequence[str], *, instead: str) -> None:
    """Refuse a text in place of a list of texts, and flags."""
    if isinstance(overrides, str):
        raise UsageError(f"settings must be a list of texts, got the text {overrides}; write [{overrides!r}]")
    for text in overrides:
        if str(text).startswith("-"):
            raise UsageError(f"settings are written key=value, got {text}; use {instead} for it")


@contextmanager
def _process_as_it_was(arguments: Sequence[str]) -> Iterator[None]:
    """Run a command inside, and restore what commands, which have a process of their own, change in it.

    Args:
        arguments: for ``sys.argv``, which provenance stores.
    """
    # Imported here, because they import torch, whose generators are to be restored.
    import torch
    from hydra.core.global_hydra import GlobalHydra
    from lightning.pytorch.utilities.seed import isolate_rng

    from perceptron.terminal.signals import listening

    argv, environment, folder, threads = sys.argv, dict(os.environ), Path.cwd(), torch.get_num_threads()
    # Hydra refuses to start where somebody else has initialized it.
    hydra, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    # It restores nothing after an exception unless it is left by hand.
    generators = isolate_rng()
    generators.__enter__()
    sys.argv = [str(argument) for argument in arguments]
    try:
        with warnings.catch_warnings(), _loggers_as_they_were(), listening():
            yield
    finally:
        generators.__exit__(None, None, None)
        GlobalHydra.instance().hydra = hydra
        sys.argv = argv
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        torch.set_num_threads(threads)


@contextmanager
def _loggers_as_they_were() -> Iterator[None]:
    """Restore handlers and levels of all loggers, and close the handlers that were added."""
    known = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    before = [(logger, list(logger.handlers), logger.level, logger.disabled, logger.propagate) for logger in known]
    try:
        yield
    finally:
        old = {handler for _, handlers, *_ in before for handler in handlers}
        for logger in (logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)):
            for handler in set(logger.handlers) - old:
                logger.removeHandler(handler)
                handler.close()
        for logger, handlers, level, disabled, propagate in before:
            logger.handlers[:] = handlers
            logger.setLevel(level)
            logger.disabled, logger.propagate = disabled, propagate
