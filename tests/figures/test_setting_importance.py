import importlib.util

import pytest

from perceptron.figures.setting_importance import importance

SETTINGS = [{"lr": str(lr), "model": model, "same": "1"} for lr in (0.001, 0.01, 0.1, 1.0) for model in ("a", "b", "c")]


@pytest.mark.skipif(importlib.util.find_spec("optuna") is None, reason="needs the extra optuna")
def test_the_setting_that_decides_has_the_share() -> None:
    scores = [float(setting["lr"]) + 0.001 * (setting["model"] == "b") for setting in SETTINGS]
    shares = importance(SETTINGS, scores)
    assert set(shares) == {"lr", "model"}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["lr"] > 0.9


@pytest.mark.parametrize("scores", [[1.0] * 12, [1.0, 2.0, *[float("nan")] * 10]], ids=["equal", "too few"])
def test_scores_that_say_nothing_have_no_shares(scores) -> None:
    assert importance(SETTINGS, scores) == {}
