"""One voice on the terminal: Hydra's logging, without what Lightning adds to it."""

import logging
import warnings

from lightning.fabric.utilities.warnings import disable_possible_user_warnings


def tame_lightning() -> None:
    """Let Lightning's messages go to Hydra's handlers alone, and leave out its false alarms."""
    # Importing lightning adds a handler of its own, beside which everything is printed twice.
    logging.getLogger("lightning").handlers.clear()
    # What devices were found, and advertisements.
    for package in ("pytorch", "fabric"):
        logging.getLogger(f"lightning.{package}.utilities.rank_zero").setLevel(logging.WARNING)
    # They advise worker processes, which are slower than none for a table in memory.
    disable_possible_user_warnings()
    # To have no validation rows is the user's choice, and the report says so.
    warnings.filterwarnings("ignore", message="Total length of `list` across ranks is zero")
    # Lightning 2.6 with torch 2.13: nothing that a user could mend.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
    warnings.filterwarnings("ignore", message=".*all_gather is deprecated.*", category=FutureWarning)
    # A resumed run goes on in its own folder, and keeps its logs (perceptron.runs.logs).
    warnings.filterwarnings("ignore", message=".*Experiment logs directory .* exists and is not empty.*")
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
