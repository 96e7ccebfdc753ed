import errno
import os
import select

import pytest

from perceptron.terminal.pipes import UNREAD_STATUS, ended_by_reader


@pytest.fixture
def _windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that cannot be asked whether a pipe has a reader."""
    monkeypatch.delattr(select, "poll", raising=False)


@pytest.mark.usefixtures("_windows")
def test_windows_error_of_a_pipe_without_reader_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        with pytest.raises(SystemExit) as end, ended_by_reader():
            raise OSError(errno.EINVAL, "Invalid argument")
    assert end.value.code == UNREAD_STATUS == 141


@pytest.mark.usefixtures("_windows")
@pytest.mark.parametrize("error", [OSError(errno.EINVAL, "Invalid argument", "a:b"), OSError(errno.ENOENT, "Missing")])
def test_other_errors_pass(error: OSError) -> None:
    with pytest.raises(OSError, match=r"Invalid|Missing") as caught, ended_by_reader():
        raise error
    assert caught.value is error
