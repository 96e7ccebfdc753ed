import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from perceptron.errors import InterruptedRunError, NoRoomError
from perceptron.terminal.signals import ended_by_signals, interrupt, listening, raise_if_lost

CLOSING = [getattr(signal, name) for name in ("SIGHUP", "SIGBREAK") if hasattr(signal, name)]
NUMBERS = (signal.SIGINT, signal.SIGTERM, *CLOSING)


@pytest.fixture(autouse=True)
def _heard_hangup() -> Iterator[None]:
    """Where tests run without a terminal, it may be switched off."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in CLOSING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _send(number: int) -> None:
    signal.raise_signal(number)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_ends_the_program_with_a_line(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, ended_by_signals():
        _send(number)
    assert end.value.code == 128 + number
    assert capsys.readouterr().err == f"interrupted by {number.name}; nothing was written\n"


def test_a_second_signal_does_not_interrupt_the_unwinding(capsys: pytest.CaptureFixture[str]) -> None:
    unwound = []

    def work() -> None:
        try:
            _send(signal.SIGTERM)
        finally:
            _send(signal.SIGTERM)
            unwound.append("files are closed")

    with pytest.raises(SystemExit), ended_by_signals():
        work()
    assert unwound == ["files are closed"]
    assert capsys.readouterr().err.count("\n") == 1


def test_a_full_disk_ends_the_program_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, ended_by_signals():
        raise NoRoomError("/logs/run", "No space left with 3 kB free", "go on with it")
    assert end.value.code == 1
    assert capsys.readouterr().err == (
        "error: the disk must have room, got No space left with 3 kB free in /logs/run; make room, then go on with it\n"
    )


def _in_destructor(send: Callable[[], None]) -> None:
    class Left:
        def __del__(self) -> None:
            send()

    Left()


def _in_callback(send: Callable[[], None]) -> None:
    class Left:
        pass

    left = Left()
    kept = weakref.ref(left, lambda _: send())
    del left
    assert kept() is None


@pytest.mark.parametrize("place", [_in_destructor, _in_callback])
def test_a_signal_is_not_lost_where_python_drops_exceptions(place: Callable[..., None]) -> None:
    def work() -> None:
        place(lambda: _send(signal.SIGTERM))
        time.sleep(5)

    with pytest.raises(InterruptedRunError), listening():
        work()


def test_handlers_are_what_they_were() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]
    with listening(), listening():
        assert [signal.getsignal(number) for number in NUMBERS] != before
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_nohup_keeps_a_run_alive() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening():
            _send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_interrupt_raises_once_in_a_moment() -> None:
    with listening():
        with pytest.raises(InterruptedRunError, match="by SIGTERM; go on"):
            interrupt(signal.SIGTERM, "go on")
        interrupt(signal.SIGTERM, "go on")


@pytest.mark.parametrize("start", ["runpy.run_path('train.py', run_name='__main__')",
                                   "runpy.run_module('perceptron', run_name='__main__')"])  # fmt: skip
def test_a_signal_while_the_program_imports_is_a_line(start: str, root: Path, tmp_path: Path) -> None:
    code = (
        "import os, runpy, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'hydra':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        f"sys.argv = ['perceptron', *(['train'] if 'module' in {start!r} else []), 'paths.log_dir={tmp_path}']\n"
        f"{start}\n"
    )
    environment = os.environ | {"PYTHONPATH": "."}
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False, env=environment
    )
    assert (answer.returncode, answer.stderr) == (130, "interrupted by SIGINT; nothing was written\n")
    assert not list(tmp_path.iterdir())


def test_a_signal_that_a_library_drops_ends_the_program_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        with suppress(BaseException):
            _send(signal.SIGTERM)
        raise_if_lost()

    with pytest.raises(SystemExit) as end, ended_by_signals():
        work()
    assert end.value.code == 143

    def broken() -> None:
        with suppress(BaseException):
            _send(signal.SIGTERM)
        raise RecursionError

    with pytest.raises(SystemExit) as end, ended_by_signals():
        broken()
    assert end.value.code == 143
    assert capsys.readouterr().err == 2 * "interrupted by SIGTERM; nothing was written\n"
