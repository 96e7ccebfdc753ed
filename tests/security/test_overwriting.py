"""Results that are there are not replaced without a word."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Perceptron
from tests.security.test_stored_paths import everything

SETTINGS = ("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none")
SHORT = (*SETTINGS, "figures=none")


@pytest.fixture
def run(trained: Callable[..., Path], tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    shutil.copytree(trained(*SETTINGS), folder)
    return folder


@pytest.mark.parametrize("setting", ["hydra.run.dir={run}", "paths.output_dir={run}", "hydra.run.dir={run}/x/.."])
def test_a_finished_run_is_not_trained_over(perceptron: Perceptron, run: Path, tmp_path: Path, setting: str) -> None:
    before = everything(run)
    typed = setting.format(run=run)
    own = [] if "run.dir" in typed else [f"hydra.run.dir={tmp_path / 'new'}"]
    answer = perceptron("train", *SHORT, typed, *own)
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert answer.err.startswith(
        f"error: a new run must not replace the results of another, got {typed}, which is finished; name another folder"
    )
    assert everything(run) == before
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_not_finished_is_taken(perceptron: Perceptron, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine", encoding="utf-8")
    assert perceptron("train", *SHORT, f"hydra.run.dir={tmp_path / 'run'}").status == 0


def test_another_sweep_does_not_take_over_results(perceptron: Perceptron, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    typed = ("train", "-m", *SHORT, f"hydra.sweep.dir={sweep}")
    assert perceptron(*typed, "seed=1,2").status == 0
    before = everything(sweep)
    answer = perceptron(*typed, "seed=1,2", "optimizer.lr=0.5")
    assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
    assert f"a new sweep must not take over the results of another, got hydra.sweep.dir={sweep}" in answer.err
    assert everything(sweep) == before
    # The same one goes on.
    assert perceptron(*typed, "seed=1,2").status == 0
    assert perceptron("train", f"sweep.resume={sweep}").status == 0


FILES = (
    "config.yaml", "metrics.json", "provenance.json", "checkpoints/best.ckpt", "checkpoints/new.ckpt", "train.log",
    ".hydra/overrides.yaml",
)  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_no_output_takes_the_place_of_what_a_run_has_left(
    perceptron: Perceptron, run: Path, tmp_path: Path, file: str
) -> None:
    (tmp_path / "rows.csv").write_text(",".join(map(str, range(13))) + "\n", encoding="utf-8")
    before = everything(tmp_path)
    for command in (
        ("evaluate", f"run={run}", f"output={run / file}"),
        ("export", f"run={run}", f"output={run / file}"),
        ("predict", f"run={run}", f"input={tmp_path / 'rows.csv'}", f"output={run / file}"),
        ("report", f"run={run}", f"output={run / file}"),
    ):
        answer = perceptron(*command)
        assert (answer.status, answer.err.count("\n")) == (2, 1), answer.err
        setting = command[-1].partition("=")[0]
        assert answer.err.startswith(f"error: {setting} must not be a file that a run has written itself"), answer.err
    assert everything(tmp_path) == before


def test_an_unfinished_run_is_not_made_a_finished_one(perceptron: Perceptron, run: Path) -> None:
    (run / "metrics.json").unlink()
    assert perceptron("evaluate", f"run={run}", f"output={run / 'metrics.json'}").status == 2
    assert not (run / "metrics.json").exists()


def test_outputs_of_their_own_are_replaced(perceptron: Perceptron, run: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert perceptron("evaluate", f"run={run}", f"output={run / 'on_test.json'}", "split=test").status == 0
        assert perceptron("evaluate", f"run={run}", f"output={tmp_path / 'metrics.json'}").status == 0
        assert perceptron("report", f"run={run}").status == 0
