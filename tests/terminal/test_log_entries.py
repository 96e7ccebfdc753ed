import logging
import pickle

import pytest

from perceptron.terminal.log_entries import collected


def _log(text: str, level: int = logging.INFO) -> None:
    logging.getLogger("perceptron.anything.below").log(level, "%s", text)


def test_entries_are_kept_instead_of_shown(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("perceptron.anything")
    with caplog.at_level(logging.INFO):
        with collected("perceptron.anything") as entries:
            _log("kept")
            _log("too fine", logging.DEBUG)
        _log("shown")
    assert [entry.getMessage() for entry in pickle.loads(pickle.dumps(entries))] == ["kept"]  # noqa: S301
    assert caplog.messages == ["shown"]
    assert (logger.handlers, logger.level, logger.propagate) == ([], logging.NOTSET, True)


def test_entries_may_be_kept_and_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), collected("perceptron.anything", passes_on=True) as entries:
        _log("both")
    assert [entry.getMessage() for entry in entries] == caplog.messages == ["both"]


def test_inner_entries_do_not_reach_what_listens_outside() -> None:
    with collected("perceptron", passes_on=True) as outer, collected("perceptron.anything") as inner:
        _log("inner")
    assert [len(outer), len(inner)] == [0, 1]
