import pytest

from perceptron.composition.settings.spelling import did_you_mean


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
