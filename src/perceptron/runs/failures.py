"""Failures of a run, in one line that says what is left and how to continue."""

import errno
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perceptron.errors import DivergedError, NoRoomError, UsageError
from perceptron.invocation import for_shell
from perceptron.runs.folder import Run

# A full disk, an exhausted quota, and the limit on a file's size that ulimit -f sets.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def explained_failures(folder: Path, *, settings: str) -> Iterator[None]:
    """Explain a diverged loss, and a disk that cannot be written to, in one line.

    Args:
        folder: the run's folder.
        settings: those that make a loss diverge, such as ``optimizer.lr=10``.

    Raises:
        UsageError: for a diverged loss, and a folder that cannot be written to.
        NoRoomError: for a full disk.
    """
    try:
        with _full_disk_reported_once():
            yield
    except DivergedError as error:
        kept = sorted(str(path) for path in (folder / "checkpoints").glob("*.ckpt"))
        left = f"the last good checkpoint is {kept[0]}" if kept else "no checkpoint was written before"
        raise UsageError(f"{error}; lower {settings}; {left}") from error
    except OSError as error:
        if is_no_room(error):
            raise no_room(error, folder, advice=Run(folder).resume_advice) from error
        where = f" at {error.filename}" if error.filename else ""
        raise UsageError(
            f"a run must be able to write, got {error.strerror or error}{where}; make room or set paths.log_dir, then "
            f"continue with perceptron resume {for_shell('run', folder)}"
        ) from error


def is_no_room(error: BaseException | None) -> bool:
    """Whether an exception means that the disk is full."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def no_room(error: OSError, folder: Path, *, advice: str | None) -> NoRoomError:
    """The error with which a full disk ends the program.

    Args:
        error: of the system.
        folder: that was written to; it need not exist any more.
        advice: how to continue once there is room.
    """
    existing = next((parent for parent in (folder, *folder.parents) if parent.is_dir()), Path())
    free = shutil.disk_usage(existing).free
    return NoRoomError(str(folder), f"{error.strerror} with {free / 1000:,.0f} kB free", advice)


@contextmanager
def _full_disk_reported_once() -> Iterator[None]:
    """Suppress the traceback of TensorBoard's thread: its exception is raised again with the next value."""
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if not is_no_room(arguments.exc_value):
            before(arguments)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
