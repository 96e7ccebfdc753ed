"""What goes wrong in a run, in one line that says what is left and how to go on."""

import errno
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perceptron.errors import DivergedError, NoRoomError, UsageError
from perceptron.runs.folder import Run

# The disk, the share of it that the user may fill, and a file's size by ulimit -f.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def named_faults(folder: Path, *, settings: str) -> Iterator[None]:
    """Turn a loss that is not finite, and a disk that takes no more, into a message.

    Args:
        folder: the run's folder.
        settings: those that a loss diverges by, such as ``optimizer.lr=10``.

    Raises:
        UsageError: for a loss, and a folder that cannot be written to.
        NoRoomError: for a full disk.
    """
    try:
        with _full_disks_told_once():
            yield
    except DivergedError as error:
        kept = sorted(str(path) for path in (folder / "checkpoints").glob("*.ckpt"))
        left = f"the last good checkpoint is {kept[0]}" if kept else "no checkpoint was written before"
        raise UsageError(f"{error}; lower {settings}; {left}") from error
    except OSError as error:
        if is_no_room(error):
            raise no_room(error, folder, advice=Run(folder).how_to_go_on) from error
        where = f" at {error.filename}" if error.filename else ""
        raise UsageError(
            f"a run must be able to write, got {error.strerror or error}{where}; make room or set paths.log_dir, then "
            f"go on with perceptron resume run={folder}"
        ) from error


def is_no_room(error: BaseException | None) -> bool:
    """Whether an exception says that the disk takes no more."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def no_room(error: OSError, folder: Path, *, advice: str | None) -> NoRoomError:
    """The error with which a full disk ends the program.

    Args:
        error: what the system says.
        folder: that was written to, which may be gone.
        advice: how to go on once there is room.
    """
    standing = next((parent for parent in (folder, *folder.parents) if parent.is_dir()), Path())
    free = shutil.disk_usage(standing).free
    return NoRoomError(str(folder), f"{error.strerror} with {free / 1000:,.0f} kB free", advice)


@contextmanager
def _full_disks_told_once() -> Iterator[None]:
    """Leave out the traceback of TensorBoard's thread, whose exception is raised again with the next value."""
    before = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if not is_no_room(arguments.exc_value):
            before(arguments)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
