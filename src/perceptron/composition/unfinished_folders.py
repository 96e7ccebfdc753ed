"""The folders of runs that ended before they had results: what they left is deleted, or how to go on is said."""

import logging
import shutil
from contextlib import suppress
from pathlib import Path

from perceptron.runs.folder import Run


def discard(folder: Path, task_name: str, *, typed_in: Path) -> None:
    """Delete the configuration and the log of a run that left nothing else.

    Args:
        folder: made by Hydra for the run; what lay there before stays.
        task_name: name of its log.
        typed_in: folder where the command was typed, which is never deleted.
    """
    _close_logs(folder)
    if folder.is_dir() and all(path.name == ".hydra" or path.suffix == ".log" for path in folder.iterdir()):
        shutil.rmtree(folder / ".hydra", ignore_errors=True)
        (folder / f"{task_name}.log").unlink(missing_ok=True)
        discard_empty(folder, typed_in=typed_in)


def discard_empty(folder: Path, *, typed_in: Path) -> None:
    """Delete a folder if it is empty and not the one where the command was typed."""
    if folder.resolve() != typed_in.resolve():
        with suppress(OSError):
            folder.rmdir()


def resume_advice(folder: Path) -> str | None:
    """How to go on with what a stopped run left in its folder; None where it left nothing."""
    advice = Run(folder).resume_advice
    if advice is None and folder.is_dir() and any(path.is_dir() and path.name != ".hydra" for path in folder.iterdir()):
        return f"delete {folder} and type the command again"
    return advice


def _close_logs(folder: Path) -> None:
    """Stop logging to files in a folder: a handler would create its file again for what libraries log at their end."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).is_relative_to(folder.absolute()):
            root.removeHandler(handler)
            handler.close()
