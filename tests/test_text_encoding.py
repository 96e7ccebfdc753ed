"""Every text file is opened with its encoding: on Windows, Python's default is a code page that lacks most letters."""

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Number of positional arguments with which a call still leaves the encoding out.
_TEXT_METHODS = {"read_text": 0, "write_text": 1}
# What else has an `open` with other arguments.
_OTHER_OPENERS = {"Image", "archive", "os", "tarfile", "zipfile"}


def calls_without_encoding(source: str) -> list[int]:
    """Lines of the calls of ``read_text``, ``write_text`` and ``open`` in text mode that leave the encoding out.

    Ruff's PLW1514 sees only those on an expression whose type it can infer.
    """
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if _lacks_encoding(call)]


def _lacks_encoding(call: ast.Call) -> bool:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in given or None in given:
        return False
    if isinstance(call.func, ast.Attribute):
        if call.func.attr in _TEXT_METHODS:
            return len(call.args) == _TEXT_METHODS[call.func.attr]
        is_open = call.func.attr == "open" and getattr(call.func.value, "id", None) not in _OTHER_OPENERS
        place_of_mode = 0
    else:
        is_open = getattr(call.func, "id", None) == "open"
        place_of_mode = 1
    mode = given.get("mode", call.args[place_of_mode] if len(call.args) > place_of_mode else ast.Constant("r"))
    return is_open and isinstance(mode, ast.Constant) and "b" not in str(mode.value)


def test_text_files_are_opened_with_their_encoding() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = {
        name: lines
        for name in listed.split()
        if (ROOT / name).is_file() and (lines := calls_without_encoding((ROOT / name).read_text(encoding="utf-8")))
    }
    assert found == {}, 'add encoding="utf-8"'


def test_the_search_finds_what_it_is_for() -> None:
    wrong = "path.read_text()\npath.write_text(text)\nopen(path)\npath.open('a')\npath.open(mode='w', newline='')"
    assert calls_without_encoding(wrong) == [1, 2, 3, 4, 5]
    right = "path.read_text(encoding='utf-8')\npath.open('rb')\nopen(path, 'ab')\nImage.open(path)\nopen(path, mode)"
    assert calls_without_encoding(right) == []
