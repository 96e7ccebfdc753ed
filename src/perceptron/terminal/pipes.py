"""Standard streams that nobody reads any more, as behind ``| head``. Imports nothing heavy."""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_by_reader() -> Iterator[None]:
    """End the process without a word where whoever reads what it prints has had enough, as other programs end.

    Not by SIGPIPE's own way, which would end it for any connection that breaks:
    https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    try:
        try:
            yield
        finally:
            # What is still buffered would fail when the interpreter ends.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        unread = [stream for stream in (sys.stdout, sys.stderr) if stream is not None and _is_unread(stream.fileno())]
        if not unread:
            raise
        for stream in unread:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        # What a shell says of a program that the signal has ended.
        sys.exit(128 + signal.SIGPIPE)


def _is_unread(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
