"""The lock that admits one process at a time to a run's folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from perceptron.errors import UsageError
from perceptron.files.locking import lock_exclusively
from perceptron.files.writing import open_no_follow


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder; the system releases the lock when the process ends.

    If several processes train one model together, only the first takes it.

    Raises:
        UsageError: if another process is at work in the folder, or it cannot be written to.
    """
    if os.environ.get("LOCAL_RANK", "0") != "0" or os.environ.get("NODE_RANK", "0") != "0":
        yield
        return
    path = folder / ".lock"
    try:
        file = open_no_follow(path, "r+b")
    except OSError as error:
        raise UsageError(
            f"a run's folder must be writable, got {error}; correct its permissions, or choose another folder"
        ) from error
    with file:
        try:
            lock_exclusively(file)
            if path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                raise BlockingIOError
        except OSError as error:
            raise UsageError(
                f"a run's folder takes one process at a time, got another at work in {folder}; "
                "wait for it, stop it, or choose another run"
            ) from error
        try:
            yield
        finally:
            _remove(path, file)


def _remove(path: Path, file: IO[bytes]) -> None:
    """Remove the lock's file while it is locked, so that nobody else can hold a lock on a file without a name."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        # Windows removes no open file, and so not one either that another process has opened meanwhile.
        file.close()
        with suppress(PermissionError):
            path.unlink(missing_ok=True)
