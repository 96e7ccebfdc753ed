"""A command called in a process of somebody else, such as a notebook's, which is as before when it returns."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from hydra.core.global_hydra import GlobalHydra
from lightning.pytorch.utilities.seed import isolate_rng

from perceptron.terminal.signals import listening


@contextmanager
def process_as_it_was(arguments: Sequence[str]) -> Iterator[None]:
    """Run a command inside, and restore what commands, which have a process of their own, change in it.

    Args:
        arguments: for ``sys.argv``, which provenance stores.
    """
    argv, environment, folder, threads = sys.argv, dict(os.environ), Path.cwd(), torch.get_num_threads()
    # Hydra refuses to start where somebody else has initialized it.
    hydra, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    # It restores nothing after an exception unless it is left by hand.
    generators = isolate_rng()
    generators.__enter__()
    sys.argv = [str(argument) for argument in arguments]
    # rich's default in a notebook is wider than the cells of most screens.
    os.environ.setdefault("JUPYTER_COLUMNS", "80")
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
