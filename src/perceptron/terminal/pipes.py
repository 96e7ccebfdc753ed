"""Standard streams whose reader has gone, as after ``| head``. Imports nothing heavy."""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
    except BrokenPipeError:
        unread = [stream for stream in (sys.stdout, sys.stderr) if stream is not None and _is_unread(stream.fileno())]
        if not unread:
            raise
        for stream in unread:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        # The status that a shell reports for a program ended by the signal.
        sys.exit(128 + signal.SIGPIPE)


def _is_unread(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
