"""Reading files that somebody else may have prepared: only regular files, and only up to a limit."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from perceptron.errors import UsageError

_KINDS = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFSOCK: "socket",
    stat.S_IFDIR: "folder",
}
# Otherwise opening a FIFO would wait for a writer. Windows has neither the flag nor FIFOs.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def kind_of(mode: int) -> str | None:
    """Kind of a file by its ``st_mode``, in a word; None for a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "special file")


def check_regular(path: Path, setting: str) -> None:
    """Check that a path names a regular file, or a link to one: reading a FIFO blocks, and a device has no end.

    Raises:
        UsageError: if it names something else; the message starts with ``setting``. A path that does not exist
            passes.
    """
    try:
        kind = kind_of(path.stat().st_mode)
    except OSError:
        return
    if kind is not None:
        raise UsageError(f"{setting} must be a regular file, got the {kind} {path}; save its contents as a file")


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file, or a link to one, for reading; never wait for a writer.

    Raises:
        OSError: if it is not a regular file or cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | _NO_WAIT)
    kind = kind_of(os.fstat(descriptor).st_mode)
    if kind is None:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, f"a {kind} instead of a file", str(path))


def read_limited(path: Path, *, most: int) -> bytes:
    """Contents of a regular file.

    Args:
        path: of the file.
        most: number of bytes that it may have.

    Raises:
        OSError: if it is larger, is not a regular file or cannot be read.
    """
    with open_regular(path) as file:
        contents = file.read(most + 1)
    if len(contents) > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes", str(path))
    return contents
