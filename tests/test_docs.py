"""What README and the documents tell people to type works as it stands."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.composition.command_lines import check_command_line

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# A line of a block, with its comment, or a piece of a sentence; not a cell of a table, which names the program alone.
COMMAND = re.compile(r"(?:^ *(?:\$ )?|`)python train\.py([^`|\n]*)(?:`|$)", re.MULTILINE)
# What stands for a folder or a file of one's own.
PLACEHOLDER = re.compile(r"<|\.\.\.|sweep\.resume=")
# Typed wrong on purpose, with the answer in the next line.
WRONG = re.findall(r"^\$ python train\.py (.*)\n(error: .*)$", README, re.MULTILINE)


def _commands() -> list[list[str]]:
    """The arguments of each command, without its comment."""
    files = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    found = {
        command for file in files for command in COMMAND.findall(file.read_text(encoding="utf-8").replace("\\\n", " "))
    }
    wrong = {command for command, _ in WRONG}
    right = [command for command in sorted(found) if command.strip() not in wrong and not PLACEHOLDER.search(command)]
    return [shlex.split(command, comments=True) for command in right]


COMMANDS = _commands()


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 40
    assert len(WRONG) == 2
    assert [] in COMMANDS
    assert ["optimizer=adam", "optimizer.lr=0.001"] in COMMANDS


@pytest.fixture(scope="module", autouse=True)
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Work where the tables are that the commands name, and the modules that the documents show by name."""
    folder = tmp_path_factory.mktemp("modules")
    shown = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "docs").glob("*.md"))
    for name, text in re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", shown, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(text, encoding="utf-8")
    for typed in COMMANDS:
        for override in typed:
            key, _, path = override.partition("=")
            if key in ("data.path", "data.test_path") and "*" not in path:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        yield


@pytest.mark.parametrize("typed", COMMANDS, ids=" ".join)
def test_a_command_is_one_that_training_takes(typed: list[str]) -> None:
    check_command_line(typed)


@pytest.mark.parametrize(("typed", "answer"), WRONG)
def test_a_mistake_gets_the_answer_that_is_shown(typed: str, answer: str, command) -> None:
    done = command("train.py", *shlex.split(typed))
    assert (done.returncode, done.stderr) == (2, answer + "\n")


def test_the_python_of_the_documents_runs_and_learns_without_the_composition(tmp_path: Path) -> None:
    documents = README + (ROOT / "docs" / "without-hydra.md").read_text(encoding="utf-8")
    # The other block of the README is run by tests/results/test_documents.py.
    estimator, _, parts = re.findall(r"^```python\n(.*?)^```", documents, re.MULTILINE | re.DOTALL)
    program = f"""
{estimator}
{parts}
assert trainer.callback_metrics["test/acc"] > 0.8
import sys
assert not [name for name in sys.modules if name.startswith("perceptron.composition")]
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
