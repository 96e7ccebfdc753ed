"""Writing files atomically, and never through links that somebody else may have prepared."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from perceptron.errors import UsageError
from perceptron.files.reading import kind_of

# Windows has none of these flags but the last.
_NO_FOLLOW = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_TEMPORARY = ".tmp"


@contextmanager
def atomic_file(path: Path, *, sync_folder: bool = True) -> Iterator[IO[bytes]]:
    """Open a file for writing that appears under ``path`` only when it is completely on the disk.

    The bytes go to a temporary file beside ``path``, which is synced and renamed. After an exception the temporary file
    is deleted and ``path`` is unchanged. A link under ``path`` is replaced, and its target stays as it is.

    Args:
        path: of the file.
        sync_folder: whether to wait until its name is on the disk too, so that it survives a power cut.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_TEMPORARY)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp sets 0600; a result should be as readable as any other new file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync_folder:
        _sync_folder(path.parent)


def write_text(path: Path, text: str, *, sync_folder: bool = True) -> None:
    """Write a text file atomically in UTF-8; see ``atomic_file``."""
    with atomic_file(path, sync_folder=sync_folder) as file:
        file.write(text.encode())


def remove_temporary_files(folder: Path) -> None:
    """Delete the temporary files of a process that was killed while it wrote; no other process may be writing."""
    for path in folder.rglob(f".*{_TEMPORARY}"):
        path.unlink(missing_ok=True)


def open_no_follow(path: Path, mode: str) -> IO[bytes]:
    """Open a file for writing, and create it if it does not exist; never follow a link and never block.

    Args:
        path: of the file.
        mode: ``ab`` to append; ``r+b`` to keep its contents.

    Raises:
        UsageError: if the path is a link, a FIFO, a device or a folder.
        OSError: if it cannot be opened.
    """
    flags = {"ab": os.O_WRONLY | os.O_APPEND, "r+b": os.O_RDWR}[mode]
    try:
        if path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        descriptor = os.open(path, flags | os.O_CREAT | _NO_FOLLOW, 0o666)
    except OSError as error:
        # Opening a FIFO without a reader fails with ENXIO.
        if error.errno not in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise
        raise _refused("link" if path.is_symlink() else "folder" if path.is_dir() else "FIFO", path) from error
    kind = kind_of(os.fstat(descriptor).st_mode)
    if kind is not None:
        os.close(descriptor)
        raise _refused(kind, path)
    return os.fdopen(descriptor, mode)


def _refused(kind: str, path: Path) -> UsageError:
    return UsageError(f"a run writes to files of its own folder, got the {kind} {path}; delete it")


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        # Windows opens no folder.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
