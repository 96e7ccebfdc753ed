import logging
from pathlib import Path

import pytest

from perceptron.runs.results_table import print_results
from perceptron.terminal.text import TerminalHandler


def test_results_are_printed_once_and_logged(tmp_path: Path, capsys, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("perceptron.runs.results_table")
    terminal = TerminalHandler()
    logger.addHandler(terminal)
    try:
        with caplog.at_level(logging.INFO):
            print_results({"test/acc": 0.75}, title="logistic on wine", folder=tmp_path, notes=["rows        3 test"])
    finally:
        logger.removeHandler(terminal)
    printed = capsys.readouterr()
    assert printed.err == ""
    for text in ("logistic on wine", "0.7500", "rows        3 test", f"run folder  {tmp_path}", "reading     docs/"):
        assert printed.out.count(text) == 1
        assert caplog.text.count(text) == 1


def test_a_log_has_no_colours_however_the_terminal_is_asked_for_them(tmp_path: Path, monkeypatch, caplog) -> None:
    # As kernels of notebooks do.
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with caplog.at_level(logging.INFO):
        print_results({"test/acc": 0.75}, title="a title that is wider than its table", folder=tmp_path, notes=[])
    # Without caplog.text, from which pytest removes them.
    (entry,) = caplog.messages
    assert entry.startswith("a title that is wider than its table\nmetric    test\nacc     0.7500\n")
    assert "\x1b" not in entry
