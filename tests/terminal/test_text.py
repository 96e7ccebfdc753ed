import io
import logging
import sys

import pytest

from perceptron.terminal.text import TerminalHandler, VisibleFormatter, escape_unencodable, say, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, ünïcode 名前 😀", None),
        ("a\u3000b\xa0c", None),
        ("family \U0001f468\u200d\U0001f469", None),
        ("[/red] :smile: $x$", None),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("one\nerror: two\r\n", r"one\nerror: two\r\n"),
        ("tab\t", r"tab\t"),
        ("\x9b31m\x7f\0", r"\x9b31m\x7f\x00"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_every_character_shows(text: str, shown: str | None) -> None:
    assert visible(text) == (text if shown is None else shown)


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\ntwo\x1b[0m")
    assert capsys.readouterr().out == "one\\ntwo\\x1b[0m\n"


def test_a_log_entry_keeps_its_lines() -> None:
    record = logging.LogRecord("x", logging.INFO, "file", 1, "a\tb\n%s", ("\x1b[2J",), None)
    assert VisibleFormatter("%(levelname)s %(message)s").format(record) == "INFO a\tb\n\\x1b[2J"


def test_a_character_that_the_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    escape_unencodable()
    say("café αβγ")
    sys.stdout.flush()
    assert written.getvalue().split() == ["café".encode("cp1252"), b"\\u03b1\\u03b2\\u03b3"]


def test_the_news_of_a_command_is_told_once_and_warnings_always(capsys: pytest.CaptureFixture[str]) -> None:
    logger, handler = logging.getLogger("perceptron.trial"), TerminalHandler()
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        TerminalHandler.told.clear()
        for _ in range(2):
            logger.info("task: binary")
            logger.warning("a column is constant")
        TerminalHandler.told.clear()
        logger.info("task: binary")
    finally:
        logger.removeHandler(handler)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == ["task: binary", *["a column is constant"] * 2, "task: binary"]
