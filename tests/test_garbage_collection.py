import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from perceptron.garbage_collection import heavy_imports, rare_collection


class Node:
    """Garbage by itself: it refers to itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def _nothing_set_apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("perceptron.garbage_collection._is_frozen", False)
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_nothing_is_searched_inside_and_the_search_goes_on_behind() -> None:
    with heavy_imports():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 1000

    node = weakref.ref(Node())
    gc.collect()
    assert node() is None


def test_a_second_use_sets_nothing_apart() -> None:
    with heavy_imports():
        pass
    with heavy_imports():
        node = weakref.ref(Node())
    gc.collect()
    assert node() is None


def test_an_error_leaves_the_search_on() -> None:
    with pytest.raises(ImportError), heavy_imports():
        raise ImportError
    assert gc.isenabled()


def test_it_is_left_off_where_it_was_off() -> None:
    gc.disable()
    try:
        with heavy_imports():
            pass
        assert not gc.isenabled()
        assert not gc.get_freeze_count()
    finally:
        gc.enable()


def test_a_process_ends_without_a_search() -> None:
    program = """
import gc, sys
from perceptron.garbage_collection import heavy_imports, rare_collection
class Node:
    def __init__(self): self.me = self
    def __del__(self): print("searched")
with heavy_imports():
    pass
Node()
"""
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ended.stdout == ""


def test_a_rarer_search_ends_with_what_it_is_for() -> None:
    before = gc.get_threshold()
    with rare_collection():
        assert gc.get_threshold() == (100 * before[0], *before[1:])
    assert gc.get_threshold() == before
