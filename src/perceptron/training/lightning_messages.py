"""Silence what Lightning says beside the messages of this project."""

import logging
import warnings

from lightning.fabric.utilities.warnings import disable_possible_user_warnings


def silence_lightning() -> None:
    """Leave Lightning's messages to the handlers of the root logger, without advertisements and false alarms."""
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
    # A resumed run continues in its own folder and keeps its logs (perceptron.runs.logs).
    warnings.filterwarnings("ignore", message=".*Experiment logs directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
