"""Real runs made wrong on purpose, each with its objection, and careful ones with none."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perceptron import load_run, load_sweep, sweep

SHORT = ("figures=none", "logger=none")
QUICK = ("trainer.max_epochs=3", "trainer.num_threads=1")
# Settings by the objection that they deserve.
WRONG = {
    "no test rows": ("data.test_fraction=0", *QUICK),
    "few test rows": ("data=iris", "model=softmax", "data.test_fraction=0.1", *QUICK),
    "still improving": ("model=binary_mlp", "optimizer.lr=0.001", *QUICK),
    "chosen on training rows": ("data.val_fraction=0", *QUICK),
    "overfitted": (
        "data=moons", "data.dataset.noise=0.4", "data.dataset.n_samples=120", "model=binary_mlp", "optimizer=adam",
        "optimizer.lr=0.05", "trainer.max_epochs=200", "callbacks.checkpoint=null", "callbacks.early_stopping=null",
    ),
    "accuracy of an unbalanced target": (
        "data=classification", "+data.dataset.weights=[0.97]", "+data.dataset.flip_y=0", "monitor=val/acc", *QUICK,
    ),
    "trained or scored on some batches": ("trainer.limit_train_batches=2", *QUICK),
    "one seed only": QUICK,
}  # fmt: skip
CAREFUL = {
    "breast_cancer": ("model=logistic", "optimizer=adam", "optimizer.lr=0.03"),
    "wine": ("data=wine", "model=softmax", "optimizer=adam", "optimizer.lr=0.05"),
    "diabetes": ("data=diabetes", "model=linear"),
    "moons": ("data=moons", "model=binary_mlp", "optimizer=adam", "optimizer.lr=0.03"),
}


def _names(folder: Path) -> set[str]:
    return {objection.name for objection in load_run(folder).objections()}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_a_run_made_wrong_gets_its_objection(trained, name: str) -> None:
    assert name in _names(trained(*SHORT, *WRONG[name]))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tables: each has something wrong."""
    folder, rng = tmp_path_factory.mktemp("tables"), np.random.default_rng(0)
    features = rng.normal(3, 2, size=(300, 3))
    frame = pd.DataFrame(features, columns=["a", "b", "c"])
    frame["y"] = np.where(features.sum(axis=1) + rng.normal(0, 3, 300) > 9, "yes", "no")
    scaled = frame.copy()
    scaled[["a", "b", "c"]] = (features - features.mean(axis=0)) / features.std(axis=0)
    scaled.to_csv(folder / "scaled.csv", index=False)
    frame.assign(answer=(frame["y"] == "yes") * 2.5).to_csv(folder / "leak.csv", index=False)
    pd.concat([frame, frame[:100]]).to_csv(folder / "repeated.csv", index=False)
    frame.assign(y=rng.permutation(frame["y"])).to_csv(folder / "random.csv", index=False)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("scaled", "standardised with test rows"),
        ("leak", "leak"),
        ("repeated", "test rows seen in training"),
        ("random", "no better than guessing"),
    ],
)
def test_a_table_made_wrong_gets_its_objection(trained, table: Path, file: str, name: str) -> None:
    folder = trained(*SHORT, *QUICK, "data=table", f"data.path={table}/{file}.csv", "data.target=y")
    assert name in _names(folder)


@pytest.mark.slow
def test_a_run_chosen_by_a_test_metric_gets_its_objection(trained, tmp_path: Path) -> None:
    # This version refuses such a monitor, but a folder of somebody else may have one.
    folder = shutil.copytree(trained(*SHORT, *QUICK), tmp_path / "run")
    config = folder / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("val/loss", "test/loss"), encoding="utf-8")
    assert "chosen on test rows" in _names(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", CAREFUL)
def test_a_careful_run_has_no_objection(tmp_path: Path, name: str) -> None:
    seeds = ["seed=0,1", "data.split_seed=${seed}", f"hydra.sweep.dir={tmp_path}/sweep"]
    made = sweep([*SHORT, "trainer.max_epochs=300", *CAREFUL[name], *seeds, "hydra/launcher=population"])
    assert (made.to_frame()["state"] == "done").all()
    assert load_run(load_sweep(tmp_path / "sweep").run(0).folder).objections() == []


@pytest.mark.slow
def test_the_data_of_an_estimator_is_looked_at(tmp_path: Path, trained, perceptron) -> None:
    wrong = trained(*SHORT, "data=iris", "model=sklearn_svc", "data.test_fraction=0.1")
    answer = perceptron("check", f"run={wrong}")
    assert (answer.status, answer.err) == (1, "")
    assert _names(wrong) == {"few test rows", "one seed only"}
    settings = [*SHORT, "model=sklearn_svc", "seed=0,1", "data.split_seed=${seed}"]
    careful = sweep([*settings, f"hydra.sweep.dir={tmp_path}/sweep"]).run(0)
    assert careful.objections() == []
    assert load_run(careful.folder, overrides=["data.test_fraction=0.01"]).datamodule().split.test.size == 6


def test_the_command_says_what_to_type_and_exits_with_1(trained, perceptron) -> None:
    answer = perceptron("check", f"run={trained(*SHORT, *QUICK)}")
    assert answer.status == 1, answer.err
    assert "one seed only: no other run beside it" in answer.out
    assert "perceptron train -m figures=none" in answer.out


def test_an_unfinished_run_is_refused(trained, tmp_path: Path, perceptron) -> None:
    folder = shutil.copytree(trained(*SHORT, *QUICK), tmp_path / "run")
    (folder / "metrics.json").unlink()
    answer = perceptron("check", f"run={folder}")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("error: a run has metrics when it is finished, got running")


def test_data_that_cannot_be_read_is_said(trained, tmp_path: Path, perceptron) -> None:
    pd.DataFrame({"a": np.arange(200.0), "y": np.arange(200) % 2}).to_csv(tmp_path / "own.csv", index=False)
    settings = ("data=table", f"data.path={tmp_path}/own.csv", "data.target=y")
    folder = trained(*SHORT, *QUICK, *settings)
    (tmp_path / "own.csv").unlink()
    answer = perceptron("check", f"run={folder}")
    assert answer.status == 1
    assert answer.err.startswith("warning: the data was not looked at")
