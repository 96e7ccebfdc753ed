"""The expression of ``sweep.filter``: what it means, and what it refuses."""

import time
from typing import Any

import pytest

from perceptron.errors import UsageError
from perceptron.sweeps.combination_filter import CombinationFilter, MissingSettingError

VALUES: dict[str, Any] = {
    "optimizer.lr": 0.1,
    "data.batch_size": 32,
    "data.fold": None,
    "data.balanced": True,
    "model": "logistic",
    "model.network.hidden": [50, 50],
    "monitor": "val/loss",
}


@pytest.mark.parametrize(
    ("text", "admits"),
    [
        ("optimizer.lr * data.batch_size < 10", True),
        ("optimizer.lr * data.batch_size >= 10", False),
        ("0.01 < optimizer.lr <= 0.1", True),
        ("0.01 < optimizer.lr < 0.1", False),
        ("-optimizer.lr < 0 and +data.batch_size == 32", True),
        ("data.batch_size // 3 == 10 and data.batch_size % 3 == 2 and data.batch_size / 64 == 0.5", True),
        ("data.batch_size ** 2 - 1 == 1023", True),
        ("2 ** -1 == 0.5", True),
        ("model == 'logistic'", True),
        ('model in ("softmax", "logistic") and not model in ["linear"]', True),
        ("model not in ['softmax']", True),
        ("data.fold is None and data.fold == null and not (data.fold is not None)", True),
        ("data.balanced", True),
        ("data.balanced == true and data.balanced is True", True),
        # True is no 1.
        ("data.balanced == 1", False),
        ("model.network.hidden == [50, 50] and model.network.hidden == (50, 50)", True),
        ("model.network.hidden in [[50], [50, 50]]", True),
        ("model.network.hidden == 50", False),
        ("'a' < monitor", True),
        # What decides stands before.
        ("data.fold == null or data.fold < 3", True),
        ("model != 'logistic' and optimizer.momentum > 0", False),
        ("optimizer.lr == 1e-1 or true", True),
        ('"optimizer.lr < 1"', True),
    ],
)
def test_what_a_filter_admits(text: str, admits: bool) -> None:
    assert CombinationFilter(text).admits(VALUES) is admits


def test_the_settings_that_a_filter_names() -> None:
    assert CombinationFilter("a.b < 1 and (c in [d.e, 'f'] or a.b > null) and true").names == ("a.b", "c", "d.e")


def test_a_setting_that_a_combination_lacks() -> None:
    with pytest.raises(MissingSettingError) as missing:
        CombinationFilter("optimizer.momentum < 1").admits(VALUES)
    assert missing.value.name == "optimizer.momentum"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "sweep.filter must be an expression, got none; write one such as"),
        (" ", "sweep.filter must be an expression, got none; write one such as"),
        ("optimizer.lr <", "sweep.filter must be an expression, got optimizer.lr <: invalid syntax"),
        ("optimizer.lr = 0.1", "got optimizer.lr = 0.1: invalid syntax"),
        ("optimizer.lr < 1; data.fold", "invalid syntax"),
        ("'\x00'", "sweep.filter must be an expression"),
        ("(" * 500 + "1" + ")" * 500, "sweep.filter must be an expression"),
        ("1" * 3000, "sweep.filter must have at most 2000 characters, got 3000; shorten it"),
        ("__import__('os').system('true')", "got __import__('os').system('true'); leave it out"),
        ("open('x')", "sweep.filter must be made of settings, numbers"),
        ("().__class__", "got ().__class__; leave it out"),
        ("'a'.b == 1", "got 'a'.b; leave it out"),
        ("[x for x in model]", "got [x for x in model]; leave it out"),
        ("(lambda: 1)()", "leave it out"),
        ("(y := 1) == 1", "leave it out"),
        ("model[0] == 1", "got model[0]; leave it out"),
        ("f'{model}' == 'a'", "leave it out"),
        ("b'a' == 'a'", "got b'a'; leave it out"),
        ("1j == 1", "got 1j; leave it out"),
        ("... == 1", "leave it out"),
        ("1 if data.balanced else 2", "leave it out"),
        ("data.batch_size & 1 == 1", "got data.batch_size & 1; leave it out"),
        ("{1} == 1", "got {1}; leave it out"),
        ("a" + ".a" * 990 + "()", "leave it out"),
        ("a[" * 90 + "1" + "]" * 90, "leave it out"),
        ("-" * 60 + "1 == 1", "must not nest deeper than 50 operations"),
        (f"{10**400} > 1", "must have numbers below 2**1024"),
    ],
)
def test_a_text_that_is_no_filter(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        CombinationFilter(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("optimizer.lr", "must be true or false in the end, got 0.1 for optimizer.lr; compare it with something"),
        (
            "optimizer.lr == 0.2 or 0.3",
            "must have true or false beside and, or and not, got 0.3 for 0.3; compare it with something",
        ),
        ("not model", "got 'logistic' for model"),
        ("data.fold < 3", "must order two numbers or two texts, got null and 3 in data.fold < 3; exclude the case"),
        ("model < 3", "got 'logistic' and 3 in model < 3"),
        ("model.network.hidden < [60]", "got [50, 50] and [60]"),
        ("data.balanced < 3", "got true and 3"),
        ("model * 3 == 'a'", "must compute with numbers, got 'logistic' for model; compare it instead"),
        ("'%s' % model == 'a'", "must compute with numbers"),
        ("[1] * 9 == [1]", "must compute with numbers"),
        ("data.balanced + 1 == 2", "must compute with numbers, got true for data.balanced"),
        ("'gist' in model", "must have a list behind in, got 'logistic' in 'gist' in model; write ['logistic']"),
        ("optimizer.lr / 0 == 1", "must be computable, got"),
        ("9 ** 9 ** 9 > 1", "must stay below 2**1024, got 9 ** 387420489; take a smaller power"),
        ("9.0 ** 9999 > 1", "must be computable"),
        ("(0 - 8) ** 0.5 > 1", "must have real numbers"),
        ("2 ** 500 * 2 ** 500 * 2 ** 500 / 3 > 1", "must be computable"),
    ],
)
def test_a_filter_that_values_do_not_fit(text: str, said: str) -> None:
    expression = CombinationFilter(text)
    with pytest.raises(UsageError) as refused:
        expression.admits(VALUES)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_filter_takes_long() -> None:
    clock = time.process_time()
    for text in ("9 ** 200 * " * 40 + "1 > 0", "optimizer.lr ** " * 40 + "2 > 0", "1 == 1 and " * 180 + "true"):
        CombinationFilter(text).admits(VALUES)
    assert time.process_time() - clock < 1
