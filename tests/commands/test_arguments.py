"""One reader of arguments: what it takes, what it refuses, and the help that is printed from the same table."""

from importlib import import_module
from pathlib import Path

import pytest

from perceptron.__main__ import COMMANDS, main
from perceptron.commands.arguments import Argument, Command
from perceptron.errors import UsageError

FOLDER = Path(__file__).parents[2] / "src/perceptron/commands"
COMMAND = Command(
    name="count",
    summary="count rows",
    examples=("logs kind=all   # every row",),
    arguments=(
        Argument(name="kind", options=("all", "some"), summary="which rows", default="all"),
        Argument(name="file", takes="<file>", summary="where they are", required=True),
        Argument(name="names", takes="[<name>,...]", summary="whose", is_list=True),
        Argument(name="id", takes="<column>", summary="what names them"),
    ),
    takes_folders=True,
    takes_settings=True,
)


def test_every_file_is_a_command_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert {*COMMANDS, "__init__", "arguments"} == {path.stem for path in FOLDER.glob("*.py")}
    for name in COMMANDS:
        command: Command = import_module(f"perceptron.commands.{name}").COMMAND
        assert command.name == name
        if name == "train":
            continue
        with pytest.raises(SystemExit) as ended:
            command.read(["nonsense", "--help"])
        assert ended.value.code in (None, 0)
        text = capsys.readouterr().out
        assert text.startswith(f"perceptron {name} ")
        assert all(f"\n  {argument.form}\n" in text for argument in command.arguments)
        assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("width", [60, 80, 120])
def test_help_is_wrapped_at_the_width_of_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.argv", ["perceptron", "--help"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "] == list(COMMANDS)
    for name in ("resume", "compare", "predict"):
        command: Command = import_module(f"perceptron.commands.{name}").COMMAND
        # A command to copy stays in one line.
        lines += command.help.partition("Examples:")[0].splitlines()
    assert max(map(len, lines)) <= width


def test_values_are_texts_folders_and_settings() -> None:
    typed = COMMAND.read(["logs", "file=a=b.csv", "names=[x, y]", "data.path=c.csv", "+optimizer.lr=1", "file=d"])
    assert dict(typed.values) == {"kind": "all", "file": "d", "names": "[x, y]", "id": None}
    assert (typed["kind"], typed.get("id"), typed.names("names")) == ("all", None, ["x", "y"])
    assert typed.folders == [Path("logs")]
    assert typed.settings == ["data.path=c.csv", "+optimizer.lr=1"]
    assert COMMAND.read(["file=a", "names="]).names("names") == []


def test_a_pattern_that_no_shell_has_expanded_names_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b", "a", "c[1]"):
        (tmp_path / "logs" / name).mkdir(parents=True)
    assert COMMAND.read(["file=x", "logs/*"]).folders == [Path("logs/a"), Path("logs/b"), Path("logs/c[1]")]
    assert COMMAND.read(["file=x", "logs/c[1]"]).folders == [Path("logs/c[1]")]
    for unknown in ("other/*", "a**b", "[", "~x\0*"):
        assert COMMAND.read(["file=x", unknown]).folders == [Path(unknown)]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ([], "file is required; type file=<file>"),
        (["file="], "file is required; type file=<file>"),
        (["file=a", "id="], "id must not be empty; type id=<column>, or leave it out"),
        (["file=a", "kind=al"], "kind must be one of all, some, got al; did you mean all?"),
        (["flie=a"], "there is no argument flie=a; did you mean file?"),
        (["--file", "a"], "there is no argument --file; did you mean file?"),
        (["file=a", "optimiser.lr=1"], "there is no argument optimiser.lr=1; did you mean optimizer?"),
    ],
)
def test_a_mistake_is_one_line(typed: list[str], line: str) -> None:
    with pytest.raises(UsageError) as caught:
        COMMAND.read(typed)
    assert str(caught.value) == line


@pytest.mark.parametrize("name", ["compare", "report"])
def test_where_a_command_writes_has_one_name(name: str) -> None:
    command: Command = import_module(f"perceptron.commands.{name}").COMMAND
    with pytest.raises(UsageError, match=r"there is no argument out=x; did you mean output\?"):
        command.read(["out=x"])
