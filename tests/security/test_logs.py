"""A damaged log of a run that goes on: a line, and the log stays."""

import shutil
from pathlib import Path

import pytest
from tests.conftest import Perceptron, train_in

SETTINGS = ("model=softmax", "data=wine", "trainer.max_epochs=2", "trainer.accelerator=cpu", "figures=none")


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a log in CSV; it must not be changed."""
    return train_in(tmp_path_factory.mktemp("logged") / "run", *SETTINGS, "logger=csv")


@pytest.mark.parametrize(
    "damaged", [b"step,val/loss\n1,\xb8\n", b"step,a\n" + b"9" * 5000 + b",1\n", b'step,a\n1,"' + b"x" * 200_000]
)
def test_a_damaged_log_is_a_line(perceptron: Perceptron, logged: Path, tmp_path: Path, damaged: bytes) -> None:
    folder = tmp_path / "run"
    shutil.copytree(logged, folder)
    (folder / "metrics.json").unlink()
    (folder / "csv" / "metrics.csv").write_bytes(damaged)
    answer = perceptron("resume", f"run={folder}", "trainer.max_epochs=3")
    assert (answer.status, answer.err.count("error: ")) == (2, 1), answer.err
    assert "a resumed run's log must be readable" in answer.err
    assert (folder / "csv" / "metrics.csv").read_bytes() == damaged
