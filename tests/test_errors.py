import pickle
import signal

import pytest
from omegaconf import OmegaConf

from perceptron.composition.fit_estimator import build_estimator
from perceptron.errors import InterruptedRunError, UsageError, causes, reason


def test_a_reason_is_one_line() -> None:
    error = ValueError("\n  the first line  \n\n\tthe second\nthe third\n")
    assert reason(error) == "the first line the second the third"
    assert reason(error, lines=1) == "the first line"
    assert reason(error, lines=2) == "the first line the second"


def test_the_causes_of_an_exception_end_where_they_repeat() -> None:
    first, second = ValueError("first"), ValueError("second")
    second.__cause__ = first
    assert causes(second) == [second, first]
    first.__cause__ = second
    assert causes(second) == [second, first]
    first.__cause__ = first
    assert causes(first) == [first]


@pytest.mark.parametrize("error", [EOFError(), ValueError(""), RuntimeError(" \n")])
def test_an_exception_that_says_nothing_is_named(error: Exception) -> None:
    assert reason(error) == reason(error, lines=1) == type(error).__name__


def test_an_estimator_that_fails_without_a_word_is_a_users_mistake() -> None:
    nothing = {"_target_": "builtins.iter", "_args_": [[]]}
    cfg = OmegaConf.create({"model": {"estimator": {"_target_": "builtins.next", "_args_": [nothing]}}})
    with pytest.raises(UsageError, match=r"got builtins\.next: StopIteration; change model\.estimator"):
        build_estimator(cfg, None)


def test_no_handler_for_whatever_may_go_wrong_sees_an_interruption() -> None:
    error = InterruptedRunError(signal.SIGTERM, "go on with that")
    assert not isinstance(error, Exception)
    sent = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(sent), sent.status) == ("interrupted by SIGTERM; go on with that", 143)


def test_a_reason_leaves_out_the_frames_of_torch() -> None:
    error = ValueError("Overflow when unpacking\nException raised from unpack at numbers.h\nframe #0: <unknown>")
    assert reason(error) == "Overflow when unpacking"
