"""One process at a time in a run's folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perceptron.errors import UsageError
from perceptron.files.writing import open_own


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder; the lock goes with the process, however it ends.

    Of the processes that train one model together the first alone keeps it.

    Raises:
        UsageError: where another process is in it, or the folder cannot be written to.
    """
    if os.environ.get("LOCAL_RANK", "0") != "0" or os.environ.get("NODE_RANK", "0") != "0":
        yield
        return
    path = folder / ".lock"
    try:
        file = open_own(path, "r+b")
    except OSError as error:
        raise UsageError(f"a run's folder must be writable, got {error}; choose another paths.log_dir") from error
    with file:
        try:
            # A record lock: unlike flock's, a forked worker that outlives its parent does not hold it.
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
