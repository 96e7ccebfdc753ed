import pytest

from perceptron.spelling import did_you_mean


@pytest.mark.parametrize(
    ("wrong", "valid", "words"),
    [
        ("modle", ["mode", "model"], "did you mean model?"),
        ("val/accuracy", ["val/auroc", "val/acc"], "did you mean val/acc?"),
        ("lrr", ["lr", "momentum"], "did you mean lr?"),
        ("qqq", ["b", "a"], "choose from a, b"),
        ("x", [], "there is nothing to choose from"),
    ],
)
def test_nearest_name(wrong: str, valid: list[str], words: str) -> None:
    assert did_you_mean(wrong, valid) == words


def test_of_many_names_some_are_told() -> None:
    assert did_you_mean("qqq", "edcba", most=2) == "choose from a, b and 3 more"
    assert did_you_mean("qqq", "ba", most=2) == "choose from a, b"
