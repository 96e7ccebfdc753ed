import sys

import pytest

from perceptron.terminal.program import training_command


@pytest.mark.parametrize(
    ("called", "command"),
    [
        ("train.py", "python train.py"),
        ("/usr/bin/perceptron", "perceptron train"),
        ("/x/perceptron/__main__.py", "perceptron train"),
    ],
)
def test_the_command_is_the_one_that_was_typed(called: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert training_command() == command
