"""A backup copy of ``multirun.yaml``, from which a sweep is resumed. Imports nothing heavy.

Hydra writes the file anew whenever the sweep is resumed, and not atomically: a full disk or a kill leaves it empty.
"""

from pathlib import Path

from perceptron.files.plain_values import read_text, read_values
from perceptron.files.writing import write_text

_FILE, _BACKUP = "multirun.yaml", ".multirun.yaml"


def back_up_command(folder: Path) -> None:
    """Copy the file before Hydra writes it anew.

    Raises:
        OSError: if the disk is full; the file itself is still there.
    """
    if _is_complete(folder / _FILE):
        write_text(folder / _BACKUP, read_text(folder / _FILE))


def restore_command(folder: Path) -> None:
    """Restore the file from its backup if it was only partly written."""
    if _is_complete(folder / _BACKUP) and not _is_complete(folder / _FILE):
        write_text(folder / _FILE, read_text(folder / _BACKUP))


def _is_complete(path: Path) -> bool:
    try:
        # The configuration sources come after the overrides in the file.
        return path.is_file() and bool(read_values(path)["hydra"]["runtime"]["config_sources"])
    except (ValueError, KeyError, TypeError):
        return False
