"""A second copy of ``multirun.yaml``, from which a sweep goes on. Imports nothing heavy.

Hydra writes the file anew whenever the sweep goes on, and not atomically: a full disk or a kill leaves it empty.
"""

from pathlib import Path

from perceptron.files.plain_values import read_text, read_values
from perceptron.files.writing import write_text

_FILE, _COPY = "multirun.yaml", ".multirun.yaml"


def keep_command(folder: Path) -> None:
    """Copy the file, before Hydra writes it anew.

    Raises:
        OSError: where the disk is full; the file is still there.
    """
    if _is_whole(folder / _FILE):
        write_text(folder / _COPY, read_text(folder / _FILE))


def restore_command(folder: Path) -> None:
    """Write the file as it was copied, where it was cut short."""
    if _is_whole(folder / _COPY) and not _is_whole(folder / _FILE):
        write_text(folder / _FILE, read_text(folder / _COPY))


def _is_whole(path: Path) -> bool:
    try:
        # Written behind the overrides.
        return path.is_file() and bool(read_values(path)["hydra"]["runtime"]["config_sources"])
    except (ValueError, KeyError, TypeError):
        return False
