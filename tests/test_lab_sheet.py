"""The commands of the lab sheet, run, and the answers to its questions. For teachers."""

import math
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import perceptron
from perceptron import RunResult

SHEET = (Path(__file__).parent.parent / "docs" / "lab-sheet.md").read_text(encoding="utf-8")
EXERCISES = {
    int(number): [shlex.split(command) for command in re.findall(r"^python train\.py (.*)$", text, re.MULTILINE)]
    for number, text in re.findall(r"^## (\d)\.(.*?)(?=^## |\Z)", SHEET, re.MULTILINE | re.DOTALL)
}
Train = Callable[[int, int], RunResult]


def test_there_are_eight_exercises_each_with_a_prediction() -> None:
    assert sorted(EXERCISES) == list(range(1, 9))
    assert all(EXERCISES.values())
    assert SHEET.count("**Predict:**") == len(EXERCISES)


@pytest.fixture
def typed(tmp_path: Path) -> Train:
    """Run a command of an exercise, by its place."""

    def run(exercise: int, place: int) -> RunResult:
        settings = [text for text in EXERCISES[exercise][place] if not text.startswith("figures=")]
        return perceptron.train([*settings, "figures=none", f"hydra.run.dir={tmp_path}/{exercise}_{place}"])

    return run


@pytest.mark.slow
def test_1_the_rate_of_one_half_arrives_at_once_and_the_last_one_leaves(typed: Train) -> None:
    points = []
    for place in range(3):
        run = typed(1, place)
        losses = run.history["train/loss"].to_numpy()
        points.append(losses)
    # The loss of an epoch is that before its step: x squared.
    np.testing.assert_allclose([losses[1] for losses in points], [0.8**2, 0.0, 1.02**2], atol=1e-6)
    assert points[2][-1] > points[2][0]


@pytest.mark.slow
def test_2_a_model_that_knows_nothing_has_the_logarithm_of_ten(typed: Train) -> None:
    assert typed(2, 0).metrics["test/loss"] == pytest.approx(math.log(10), abs=0.1)


@pytest.mark.slow
def test_3_and_4_the_training_rows_are_memorised_and_validation_rows_say_when_to_stop(typed: Train) -> None:
    memorised, stopped = typed(3, 0), typed(4, 0)
    assert memorised.metrics["train/acc"] > memorised.metrics["test/acc"] + 0.1
    # Both take the same steps, and one of them keeps the weights with the lowest loss; test rows promise nothing.
    assert stopped.metrics["val/loss"] <= memorised.metrics["val/loss"]


@pytest.mark.slow
def test_5_the_mean_of_each_column_is_the_best(typed: Train) -> None:
    none, one_for_all, each = (typed(5, place).metrics["val/loss"] for place in range(3))
    assert each < one_for_all < none


@pytest.mark.slow
def test_6_accuracy_hides_a_rare_class(typed: Train) -> None:
    metrics = typed(6, 0).metrics
    assert metrics["test/acc"] > 0.95
    assert metrics["test/balanced_acc"] < 0.8
    nothing_learnt = typed(6, 1).metrics
    assert nothing_learnt["test/acc"] > 0.95
    assert nothing_learnt["test/balanced_acc"] == 0.5


@pytest.mark.slow
def test_7_ten_folds_do_not_tell_the_models_apart(tmp_path: Path) -> None:
    (command,) = EXERCISES[7]
    sweep = perceptron.sweep([*command[1:], f"hydra.sweep.dir={tmp_path}/sweep"])
    comparison = sweep.compare()
    assert len(comparison) == 2
    assert not comparison["p_holm"].iloc[1] < 0.05


@pytest.mark.slow
def test_8_every_objection_but_that_of_the_seed_can_be_met_by_settings(typed: Train, tmp_path: Path) -> None:
    names = {objection.name for objection in typed(8, 0).objections()}
    assert names >= {"few test rows", "still improving", "chosen on training rows", "one seed only"}
    settings = ["data=iris", "model=softmax", "optimizer=adam", "optimizer.lr=0.1", "trainer.max_epochs=500"]
    better = perceptron.train([*settings, "figures=none", f"hydra.run.dir={tmp_path}/better"])
    assert [objection.name for objection in better.objections()] == ["one seed only"]
