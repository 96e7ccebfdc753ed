"""The line that says what the program is doing: at once, on a terminal alone, and gone at the end."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="needs pseudo-terminals")
ROOT = Path(__file__).parent.parent.parent


def _in_terminal(*command: str, **environment: str) -> bytes:
    """What a command writes to a terminal."""
    mine, its = pty.openpty()
    env: Mapping[str, str] = {**os.environ, "TERM": "xterm", "COLUMNS": "80"} | environment
    told = b""
    with subprocess.Popen([sys.executable, *command], stdin=its, stdout=its, stderr=its, env=env, cwd=ROOT):
        os.close(its)
        while True:
            try:
                part = os.read(mine, 2**16)
            except OSError:
                break
            if not part:
                break
            told += part
    os.close(mine)
    return told


def _screen(told: bytes) -> list[str]:
    """The lines that are left on the terminal; knows only the carriage return."""
    shown = []
    for line in told.decode().split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        shown.append("".join(cells).rstrip())
    return shown


def _program(body: str) -> tuple[str, str]:
    imports = "from perceptron.terminal.status import *; from perceptron.terminal.text import say"
    return "-c", f"{imports}\nwith status_line('first'):\n    {body}"


def test_the_line_is_shown_replaced_and_erased() -> None:
    told = _in_terminal(*_program("show('the second, which is longer'); show('third')"))
    assert [told.index(text) for text in (b"first ...", b"the second, which is longer ...", b"third ...")]
    assert _screen(told) == [""]


def test_other_output_replaces_the_line() -> None:
    told = _in_terminal(*_program("say('a result'); show('more'); say('another')"))
    assert _screen(told) == ["a result", "another", ""]


def test_nothing_is_shown_while_another_display_is() -> None:
    told = _in_terminal(*_program("\n    with hidden(): show('unseen')\n    show('seen')"))
    assert b"unseen ..." not in told
    assert b"seen ..." in told


def test_a_narrow_terminal_cuts_the_line() -> None:
    told = _in_terminal(*_program("show('x' * 100)"), COLUMNS="20")
    assert b"x" * 19 + b"\r" in told
    assert b"x" * 20 not in told


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"LOCAL_RANK": "1"}])
def test_quiet_where_nobody_reads_along(environment: dict[str, str]) -> None:
    assert _in_terminal(*_program("show('second')"), **environment) == b""


def test_quiet_without_a_terminal() -> None:
    done = subprocess.run([sys.executable, *_program("show('second')")], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_worker_process_is_quiet() -> None:
    told = _in_terminal("-c", "from perceptron.terminal.status import *; show('unseen'); clear()")
    assert told == b""


def test_training_says_at_once_what_it_does() -> None:
    told = _in_terminal("train.py", "optimizer.lrr=0.1")
    assert told.startswith(b"reading the settings ...\r")
    assert _screen(told) == ["error: there is no setting optimizer.lrr; did you mean optimizer.lr?", ""]


def test_the_dashboard_says_what_it_waits_for() -> None:
    first = "TensorFlow installation not found - running with reduced feature set."
    told = _in_terminal(
        "-c",
        "import sys; from perceptron.commands import dashboard; from perceptron.terminal.status import status_line\n"
        f"dashboard.tensorboard_command = lambda _: [sys.executable, '-c', \"print({first!r})\"]\n"
        "with status_line('first'): dashboard.main([])",
    )
    assert b"loading TensorBoard ...\r" in told
    assert _screen(told) == [first, ""]


def test_nothing_heavy_is_imported_before_the_first_line() -> None:
    program = (
        "import runpy, sys; runpy.run_path('train.py', run_name='not main'); "
        "import perceptron.__main__; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"hydra", "omegaconf", "torch", "lightning", "numpy", "rich", "yaml"}


def test_a_printed_configuration_replaces_the_line() -> None:
    told = _in_terminal("train.py", "--cfg", "job")
    assert _screen(told)[0].startswith("task_name:")
