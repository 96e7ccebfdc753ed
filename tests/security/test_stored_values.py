"""YAML and JSON that a stranger's folder holds: small files that unfold, nest or convert without end are one line."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Perceptron

from perceptron.files.plain_values import read_values, read_yaml

ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)
HOSTILE: dict[str, tuple[str, str]] = {
    "aliases that unfold to a billion values": (ALIASES, "more than 50,000 values"),
    "a hundred thousand brackets": ("[" * 100_000, "nested deeper"),
    "a hundred closed brackets": ("[" * 100 + "]" * 100, "nested deeper than 64"),
    "mappings in mappings": ("".join(f"{' ' * i}a:\n" for i in range(100)), "nested deeper than 64"),
    "a list that holds itself": ("data: &a [*a]", r"contains itself, \*a"),
    "a mapping that holds itself": ("data: &a {b: {c: *a}}", r"contains itself, \*a"),
    "an integer of 5,000 digits": (f"seed: {'9' * 5000}", "a number of 5,000 digits"),
    "a hexadecimal integer": (f"seed: 0x{'f' * 90}", "more than 100 digits"),
    "a tagged integer": (f"seed: !!int '{'9' * 5000}'", "a number of 5,000 digits"),
    "an integer in base 60": (f"seed: {'1:' * 5000}1", "a number of"),
    "a date": ("seed: 2001-01-01", "a date instead of a plain value"),
    "a date that is none": ("seed: 2001-99-99", "month must be"),
    "a tag whose value does not fit": ("seed: !!bool maybe", "maybe"),
    "bytes": ("seed: !!binary aGk=", "a bytes instead of a plain value"),
    "a set": ("seed: !!set {a, b}", "a set instead of a plain value"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused(name: str) -> None:
    text, message = HOSTILE[name]
    with pytest.raises(ValueError, match=message):
        read_yaml(text)


def test_a_hostile_json_is_refused(tmp_path: Path) -> None:
    for text, message in {
        "[" * 100_000: "nested deeper",
        "[" * 100 + "]" * 100: "nested deeper",
        f'{{"seed": {"9" * 5000}}}': "digits",
        f'{{"seed": {"9" * 200}}}': "more than 100 digits",
        '{"name": "\\ud800"}': "surrogate",
    }.items():
        (tmp_path / "metrics.json").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            read_values(tmp_path / "metrics.json")


def test_plain_values_are_read() -> None:
    assert read_yaml("a: &a {b: 1, c: [x, null, true, 1.5]}\nd: *a\ne: &e 1\nf: *e\n") == {
        "a": {"b": 1, "c": ["x", None, True, 1.5]},
        "d": {"b": 1, "c": ["x", None, True, 1.5]},
        "e": 1,
        "f": 1,
    }
    long = "x" * 5000
    assert read_yaml(f"a: {long}\nb: '{'9' * 5000}'") == {"a": long, "b": "9" * 5000}


@pytest.fixture
def folder(trained: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of a finished run that may be tampered with."""
    copy = tmp_path / "run"
    shutil.copytree(trained("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none"), copy)
    return copy


COMMANDS: dict[str, list[str]] = {
    "evaluate": ["run={}"],
    "resume": ["run={}", "trainer.max_epochs=3"],
    "report": ["run={}"],
    "compare": ["{}", "output={}/table"],
    "export": ["run={}"],
    "train": ["-m", "sweep.resume={}"],
}
FILES: dict[str, str] = {"train": "multirun.yaml"}


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**36)


PREPARED: dict[str, Callable[[Path], object]] = {
    "aliases": lambda path: path.write_text(ALIASES, encoding="utf-8"),
    "brackets": lambda path: path.write_text("[" * 100_000, encoding="utf-8"),
    "itself": lambda path: path.write_text("data: &a [*a]", encoding="utf-8"),
    "digits": lambda path: path.write_text(f"seed: {'9' * 5000}", encoding="utf-8"),
    "a FIFO": _fifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a sparse file": _sparse,
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", PREPARED)
def test_every_command_says_so_in_a_line(perceptron: Perceptron, folder: Path, name: str, command: str) -> None:
    path = folder / FILES.get(command, "config.yaml")
    path.unlink(missing_ok=True)
    PREPARED[name](path)
    answer = perceptron(command, *(argument.format(folder) for argument in COMMANDS[command]))
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert answer.err.startswith("error: ")
    assert "Traceback" not in answer.err


@pytest.mark.timeout(120)
@pytest.mark.parametrize("command", ["report", "compare"])
@pytest.mark.parametrize("file", ["provenance.json", "metrics.json", ".hydra/config.yaml"])
def test_other_files_are_read_by_the_same_reader(perceptron: Perceptron, folder: Path, file: str, command: str) -> None:
    (folder / file).write_text('{"a": ' * 5000, encoding="utf-8")
    answer = perceptron(command, *(argument.format(folder) for argument in COMMANDS[command]))
    if command == "report" and file.startswith(".hydra"):
        assert answer.status == 0
    else:
        assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
