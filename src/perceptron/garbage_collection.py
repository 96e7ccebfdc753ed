"""Python's search for garbage, which finds none among modules. Imports nothing heavy."""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_is_set_apart = False


@contextmanager
def heavy_imports() -> Iterator[None]:
    """Import libraries without a search for garbage, neither meanwhile, nor among them later, nor at the process's end.

    torch and Lightning make more than a million objects, all of which last, and Python goes through them again and
    again: a fifth of the time of a run of seconds (measured). The first use in a process sets what there is then apart
    with ``gc.freeze``; later ones, whose imports are done, change nothing.
    """
    # Not by gc.get_freeze_count, which counts them: 50 ms for every job of a sweep.
    global _is_set_apart
    if _is_set_apart or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        _is_set_apart = True
    # The interpreter searches once more before it ends.
    atexit.register(gc.freeze)


@contextmanager
def rare_collection() -> Iterator[None]:
    """Search for garbage a hundred times less often: where many small objects come and go, and few refer to each other.

    Worth about a tenth of the time of a population, where the machine was quiet enough to tell.
    """
    before = gc.get_threshold()
    gc.set_threshold(100 * before[0], *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
