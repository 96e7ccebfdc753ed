import os
import signal
import sys
from pathlib import Path

import pytest

from perceptron.commands.dashboard import main, tensorboard_command
from perceptron.errors import UsageError


def test_it_is_tensorboard_on_the_loopback_address(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/events.out.tfevents.1").touch()
    command = tensorboard_command([f"logs={tmp_path}", "port=7000"])
    assert command[:4] == [sys.executable, "-P", "-m", "tensorboard.main"]
    assert dict(zip(command[4::2], command[5::2], strict=True)) == {
        "--logdir": str(tmp_path),
        "--host": "127.0.0.1",
        "--port": "7000",
    }


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ([], "logs must hold runs that TensorBoard can show, got none in logs; train with logger=tensorboard"),
        (["port=99999"], "port must be a number from 0 to 65535, got 99999; leave it out for 6006"),
        (["port=-1"], "port must be a number from 0 to 65535, got -1; leave it out for 6006"),
        (["host=0.0.0.0"], "there is no argument host=0.0.0.0; "),
    ],
)
def test_mistakes_are_one_line(typed, line: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        tensorboard_command(typed)
    assert str(caught.value).startswith(line)


def test_where_no_process_is_replaced_the_command_waits_and_has_its_status(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "events.out.tfevents.1").touch()
    monkeypatch.delattr(os, "fork", raising=False)
    monkeypatch.setattr(
        "perceptron.commands.dashboard.tensorboard_command", lambda _: [sys.executable, "-c", "exit(7)"]
    )
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 7
    assert signal.getsignal(signal.SIGINT) == before
