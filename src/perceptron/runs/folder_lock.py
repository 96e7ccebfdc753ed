"""The lock that admits one process at a time to a run's folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perceptron.errors import UsageError
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
        raise UsageError(f"a run's folder must be writable, got {error}; choose another paths.log_dir") from error
    with file:
        try:
            # A record lock: unlike flock's, it is not inherited by a forked worker, which may outlive its parent.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
            path.unlink(missing_ok=True)
