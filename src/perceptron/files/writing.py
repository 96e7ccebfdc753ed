"""Writing into folders that somebody else may have prepared: into the folder itself, never through a link out of it."""

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
_OWN = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def check_contained(folder: Path, *, within: Path | None = None) -> None:
    """Check that whatever is written to names in a folder stays in the folder and does not wait.

    Loggers, Hydra and databases follow links when they open a file or make a folder, so the links are looked for
    before any of them starts. A link that stays in the folder is harmless.

    Args:
        folder: of a run or a sweep; one that does not exist passes.
        within: the folder in which it must lie; None where the user has named it.

    Raises:
        UsageError: where a link at any depth leads out of it, or a FIFO, socket or device lies in it.
    """
    if within is not None and folder.is_symlink():
        _check_link(folder, within.resolve())
    root = folder.resolve()
    left = [str(root)] if root.is_dir() else []
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    _check_link(Path(entry.path), root)
                elif entry.is_dir():
                    left.append(entry.path)
                elif not entry.is_file():
                    kind = kind_of(entry.stat(follow_symlinks=False).st_mode)
                    raise UsageError(f"a run's folder must hold files alone, got the {kind} {entry.path}; delete it")


def open_own(path: Path, mode: str) -> IO[bytes]:
    """Open a file for writing that is made where it does not exist, never through a link and never waiting.

    Args:
        path: of the file.
        mode: ``ab`` to append; ``r+b`` to leave its contents as they are.

    Raises:
        UsageError: where the path is a link, a FIFO, a device or a folder.
        OSError: where it cannot be opened.
    """
    flags = {"ab": os.O_WRONLY | os.O_APPEND, "r+b": os.O_RDWR}[mode]
    try:
        if path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        descriptor = os.open(path, flags | os.O_CREAT | _OWN, 0o666)
    except OSError as error:
        # A FIFO without a reader is ENXIO.
        if error.errno not in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise
        kind = "link" if path.is_symlink() else "folder" if path.is_dir() else "FIFO"
        raise UsageError(_not_own(kind, path)) from error
    kind_found = kind_of(os.fstat(descriptor).st_mode)
    if kind_found is not None:
        os.close(descriptor)
        raise UsageError(_not_own(kind_found, path))
    return os.fdopen(descriptor, mode)


@contextmanager
def whole_file(path: Path, *, sync_folder: bool = True) -> Iterator[IO[bytes]]:
    """A file to write to, that takes its place under ``path`` only when all of it is on the disk.

    The bytes go to a temporary file beside ``path``, which is synced and renamed; the folder is synced too. After an
    exception the temporary file is gone and what stood under ``path`` still stands there. A link under ``path`` is
    replaced, and what it names stays as it is.

    Args:
        path: where the file shall stand.
        sync_folder: whether to wait until its name is on the disk too, so that it survives a power cut.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp gives 0600; a result is as readable as any other new file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync_folder:
        _sync_folder(path.parent)


def _check_link(path: Path, root: Path) -> None:
    try:
        target = path.resolve()
    # Python before 3.13 raises RuntimeError for links that lead to each other.
    except (OSError, RuntimeError) as error:
        raise UsageError(f"a run's folder must not hold links to themselves, got {path}; delete it") from error
    if not target.is_relative_to(root):
        raise UsageError(
            f"a run's folder must not hold links that lead out of it, got {path} to {target}; replace it by a copy, "
            "or delete it"
        )


def _not_own(kind: str, path: Path) -> str:
    return f"a run writes to files of its own folder, got the {kind} {path}; delete it"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
