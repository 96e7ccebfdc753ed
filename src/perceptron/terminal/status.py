"""One line on the terminal that says what the program is doing, and disappears. Imports nothing heavy."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Lightning and torchrun start the other processes of a strategy with these.
_RANKS = ("LOCAL_RANK", "SLURM_PROCID")
_is_enabled = False
_shown = ""


@contextmanager
def status_line(first: str) -> Iterator[None]:
    """Let ``show`` print inside, where a person reads along; erase the line at the end.

    A person does if standard output and standard error are terminals that can return to the start of a line. Worker
    processes, which do not call this, print nothing; nested uses only change the text.

    Args:
        first: is shown at once.
    """
    global _is_enabled
    if _is_enabled:
        show(first)
        yield
        return
    _is_enabled = _has_reader()
    try:
        show(first)
        yield
    finally:
        clear()
        _is_enabled = False


def show(text: str) -> None:
    """Replace the line. It names what takes long: ``loading torch and lightning``.

    The cursor stays at the start of the line, so that any other output overwrites it.
    """
    global _shown
    if not _is_enabled or sys.stderr is None:
        return
    clear()
    columns = shutil.get_terminal_size().columns
    _shown = f"{text} ..."[: columns - 1]
    _write(f"{_shown}\r")


def clear() -> None:
    """Erase the line; call it before printing anything else."""
    global _shown
    if _shown:
        # Spaces, because some terminals have no sequence that erases.
        _write(f"{' ' * len(_shown)}\r")
        _shown = ""


@contextmanager
def hidden() -> Iterator[None]:
    """Show nothing inside, while another display uses the terminal."""
    global _is_enabled
    before = _is_enabled
    clear()
    _is_enabled = False
    try:
        yield
    finally:
        _is_enabled = before


def _write(text: str) -> None:
    # A closed terminal is reported by what matters more.
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def _has_reader() -> bool:
    if os.environ.get("TERM") == "dumb" or any(os.environ.get(name, "0") != "0" for name in _RANKS):
        return False
    return all(stream is not None and not stream.closed and stream.isatty() for stream in (sys.stdout, sys.stderr))
