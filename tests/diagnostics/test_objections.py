"""Each objection on the least evidence that calls for it, and none on the evidence of a careful run."""

from dataclasses import replace
from typing import Any

import pytest

from perceptron.diagnostics import DataEvidence, Evidence, objections

DATA = DataEvidence(rows={"train": 100, "val": 30, "test": 40}, class_shares=[0.5, 0.5], is_standardised=False)
CAREFUL = Evidence(
    config={"monitor": "val/loss", "trainer": {"limit_train_batches": 1.0}, "callbacks": {"last": None}},
    metrics={"train/loss": 0.1, "test/balanced_acc": 0.9, "test/acc": 0.9},
    provenance={
        "training": {"epochs": 20, "kept_epoch": 9, "still_improving": False},
        "best": {"monitor": "val/loss", "value": 0.2},
    },
    curves={"val/loss": {0: 0.5, 9: 0.2, 19: 0.6}},
    report={},
    overrides=["model=binary_mlp", "optimizer.lr=0.1"],
    n_draws=2,
    data=DATA,
)
LAST_WEIGHTS = {"training": {"epochs": 20, "kept_epoch": None, "still_improving": False}, "best": None}
IMPROVING = {**CAREFUL.provenance, "training": {"epochs": 20, "kept_epoch": 19, "still_improving": True}}
WRONG: dict[str, dict[str, Any]] = {
    "no test rows": {"metrics": {"train/loss": 0.1}},
    "chosen on test rows": {"config": {**CAREFUL.config, "callbacks": {"own": {"monitor": "test/acc"}}}},
    "standardised with test rows": {"data": replace(DATA, is_standardised=True)},
    "leak": {"report": {"suspected_leaks": [{"column": "answer", "measure": "r2", "value": 1.0}]}},
    "test rows seen in training": {"report": {"rows_shared_with_training": {"val": 0, "test": 3}}},
    "trained or scored on some batches": {"config": {**CAREFUL.config, "trainer": {"overfit_batches": 1}}},
    "chosen on training rows": {"config": {**CAREFUL.config, "monitor": "train/loss"}},
    "overfitted": {"provenance": LAST_WEIGHTS},
    "still improving": {"provenance": IMPROVING},
    "few test rows": {"data": replace(DATA, rows={"train": 100, "val": 30, "test": 29})},
    "accuracy of an unbalanced target": {
        "config": {**CAREFUL.config, "monitor": "val/acc"},
        "data": replace(DATA, class_shares=[0.95, 0.05]),
    },
    "no better than guessing": {"metrics": {"test/balanced_acc": 0.6}},
    "one seed only": {"n_draws": 1},
}


def test_a_careful_run_has_none() -> None:
    assert objections(CAREFUL) == []


def test_one_row_is_in_the_singular() -> None:
    (found,) = objections(replace(CAREFUL, report={"rows_shared_with_training": {"test": 1}}))
    assert "1 test row has the same features" in str(found)


@pytest.mark.parametrize("name", WRONG)
def test_each_mistake_is_the_only_objection(name: str) -> None:
    (found,) = objections(replace(CAREFUL, **WRONG[name]))
    assert found.name == name
    assert "\n" not in found.why + found.fix


@pytest.mark.parametrize("trainer", [{"limit_test_batches": 1}, {"limit_train_batches": 0.5}, {"fast_dev_run": True}])
def test_one_batch_is_not_all_of_them(trainer: dict[str, Any]) -> None:
    (found,) = objections(replace(CAREFUL, config={**CAREFUL.config, "trainer": trainer}))
    assert found.name == "trained or scored on some batches"


@pytest.mark.parametrize(
    "trainer", [{"limit_test_batches": None}, {"limit_train_batches": 1.0, "overfit_batches": 0.0}]
)
def test_all_batches_are_no_objection(trainer: dict[str, Any]) -> None:
    assert objections(replace(CAREFUL, config={**CAREFUL.config, "trainer": trainer})) == []


def test_what_to_type_is_the_runs_own_command_with_another_setting() -> None:
    (found,) = objections(replace(CAREFUL, n_draws=1))
    assert found.fix == (
        "perceptron train -m model=binary_mlp optimizer.lr=0.1 'seed=range(10)' 'data.split_seed=${seed}'"
    )
    (found,) = objections(replace(CAREFUL, provenance=IMPROVING, overrides=["trainer.max_epochs=20"]))
    assert found.fix == "perceptron train trainer.max_epochs=40"


def test_weights_of_the_best_epoch_are_not_overfitted_however_the_curve_goes_on() -> None:
    assert CAREFUL.curves["val/loss"][19] > 2 * CAREFUL.curves["val/loss"][9]
    assert objections(replace(CAREFUL, curves={})) == []


def test_a_fold_with_few_rows_is_one_of_several() -> None:
    folds = {**CAREFUL.config, "data": {"folds": 10, "fold": 0}}
    few = replace(CAREFUL, **WRONG["few test rows"], config=folds)
    assert objections(few) == []
    assert {found.name for found in objections(replace(few, n_draws=1))} == {"few test rows", "one seed only"}


def test_a_regression_as_good_as_the_mean_is_guessing() -> None:
    (found,) = objections(replace(CAREFUL, metrics={"test/r2": -0.1}, data=replace(DATA, class_shares=[])))
    assert found.name == "no better than guessing"


def test_without_the_data_nothing_is_said_about_rows_and_classes() -> None:
    wrong = replace(CAREFUL, config={**CAREFUL.config, "monitor": "val/acc"}, data=None)
    assert objections(wrong) == []
