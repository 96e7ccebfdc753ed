import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from perceptron import invocation
from perceptron.invocation import find_own_modules, installing_command, training_command


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("train.py", "python train.py"),
        ("/home/me/perceptron/train.py", "python train.py"),
        ("/home/me/.venv/bin/perceptron", "perceptron train"),
        ("/home/me/src/perceptron/__main__.py", "perceptron train"),
    ],
)
def test_advice_names_the_command_that_was_typed(monkeypatch: pytest.MonkeyPatch, program: str, command: str) -> None:
    monkeypatch.setattr(sys, "argv", [program])
    assert training_command() == command


def test_an_installed_wheel_gets_its_extras_by_the_name_of_the_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invocation, "_IS_CHECKOUT", False)
    assert installing_command("table") == "pip install 'perceptron-lab[table]'"


@pytest.fixture
def _finders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))


@pytest.mark.usefixtures("_finders")
def test_own_modules_are_those_that_were_typed_and_no_other_place_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("typed_here", "not_typed", "json"):
        (tmp_path / f"{name}.py").touch()
    find_own_modules(["typed_here.Wide", "json.Wide"])
    found = find_spec("typed_here")
    assert found is not None
    assert found.origin == str(tmp_path / "typed_here.py")
    assert find_spec("not_typed") is None
    monkeypatch.delitem(sys.modules, "json")
    standard = find_spec("json")
    assert standard is not None
    assert standard.origin != str(tmp_path / "json.py")
