"""Standard streams whose reader has gone, as after ``| head``. Imports nothing heavy."""

import errno
import os
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# What a shell reports for a program that SIGPIPE, number 13, has ended.
UNREAD_STATUS = 128 + 13


@contextmanager
def ended_by_reader() -> Iterator[None]:
    """Exit without a message, as other programs do, when the reader of the standard streams has gone.

    The default action of SIGPIPE is not used, because it would also end the process for any other broken connection:
    https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    try:
        try:
            yield
        finally:
            # Otherwise the interpreter would fail to write the buffer when it ends.
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if not is_broken_pipe(error):
            raise
        unread = [stream for stream in (sys.stdout, sys.stderr) if stream is not None and _is_unread(stream.fileno())]
        if not unread:
            raise
        for stream in unread:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        sys.exit(UNREAD_STATUS)


def is_broken_pipe(error: OSError) -> bool:
    """Whether an error says that the reader of a pipe has gone."""
    # Windows may report EINVAL, without a file's name: https://bugs.python.org/issue35754
    return isinstance(error, BrokenPipeError) or (
        not hasattr(select, "poll") and error.errno == errno.EINVAL and error.filename is None
    )


def _is_unread(descriptor: int) -> bool:
    if not hasattr(select, "poll"):
        # Windows cannot be asked; of the two streams, only a pipe loses its reader.
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
