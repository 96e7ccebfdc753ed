"""What is logged within a piece of work, kept instead of shown, or beside it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler
from queue import SimpleQueue


@contextmanager
def collected(name: str, *, passes_on: bool = False) -> Iterator[list[logging.LogRecord]]:
    """Collect what a logger and those below it log inside, from INFO up, in a form that can be sent.

    Args:
        name: of the logger.
        passes_on: whether the loggers above it get the entries, too.

    Yields:
        The entries, a list that grows.
    """
    handler = _Collector()
    logger = logging.getLogger(name)
    level, propagates = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = propagates and passes_on
    logger.addHandler(handler)
    try:
        yield handler.records
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagates


class _Collector(QueueHandler):
    """Makes entries plain, as for a queue, and keeps them in a list."""

    def __init__(self) -> None:
        super().__init__(SimpleQueue())
        self.records: list[logging.LogRecord] = []

    def enqueue(self, record: logging.LogRecord) -> None:
        """Keep an entry."""
        self.records.append(record)
