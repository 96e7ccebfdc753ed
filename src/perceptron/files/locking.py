"""Exclusive locks on open files, which the system releases when the process ends, however it ends."""

import os
from typing import IO

# Not the package filelock: on POSIX it takes flock's locks, which a forked worker inherits and may hold for longer than
# its parent lives.
try:
    import fcntl
except ImportError:
    # Windows.
    import msvcrt

    def lock_exclusively(file: IO[bytes]) -> None:
        """Lock a file that is open for writing until it is closed; without waiting.

        Raises:
            OSError: if another process holds the lock.
        """
        # The lock is on a region: on a byte far behind the contents, so that others can read and copy the file.
        os.lseek(file.fileno(), _FAR_BEHIND, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:

    def lock_exclusively(file: IO[bytes]) -> None:
        """Lock a file that is open for writing until it is closed; without waiting.

        Raises:
            OSError: if another process holds the lock.
        """
        # A record lock, which a forked worker does not inherit.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


# Of the greatest offset that msvcrt's 32-bit region can start at.
_FAR_BEHIND = 2**31 - 2
