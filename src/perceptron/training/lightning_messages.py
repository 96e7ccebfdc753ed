"""Silence the messages of Lightning that say nothing to a user."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from lightning.fabric.utilities.warnings import disable_possible_user_warnings


def silence_lightning() -> None:
    """For runs: leave Lightning's messages to the root logger's handlers, without advertisements and false alarms."""
    # Importing lightning adds a handler of its own, so that everything is printed twice.
    logging.getLogger("lightning").handlers.clear()
    # The devices that were found, and advertisements.
    for package in ("pytorch", "fabric"):
        logging.getLogger(f"lightning.{package}.utilities.rank_zero").setLevel(logging.WARNING)
    # They recommend worker processes, which are slower than none for a table in memory.
    disable_possible_user_warnings()
    # A run without validation rows is the user's choice, and the report says so.
    warnings.filterwarnings("ignore", message="Total length of `list` across ranks is zero")
    # Lightning 2.6 with torch 2.13: nothing that a user could change.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
    warnings.filterwarnings("ignore", message=".*all_gather is deprecated.*", category=FutureWarning)
    # A resumed run continues in its own folder and keeps its logs (perceptron.runs.loggers).
    warnings.filterwarnings("ignore", message=".*Experiment logs directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """For estimators: silence inside what Lightning says on devices, workers and validation rows."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*LeafSpec.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
