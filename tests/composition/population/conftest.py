"""What the launcher of populations says."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def said() -> Iterator[list[str]]:
    """Lines of the log; Hydra takes away what pytest listens with."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("perceptron")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)
