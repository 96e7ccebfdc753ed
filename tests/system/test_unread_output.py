"""Standard output that nobody reads any more, as behind ``| head``: commands end without a word, files are written."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perceptron.commands.compare import compare
from perceptron.composition.sweeps.sweep_summary import summarize
from perceptron.sweeps.job_folders import find_jobs

COMMANDS = ["train.py --help", "train.py --cfg job", "-m perceptron", "-m perceptron predict --help"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("typed", COMMANDS)
def test_a_command_ends_without_a_word(root: Path, typed: str, unbuffered: str) -> None:
    process = subprocess.Popen(
        [sys.executable, *typed.split()],
        cwd=root,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    # What a shell says of a program that SIGPIPE has ended.
    assert process.returncode == 141


@contextmanager
def _unread() -> Iterator[None]:
    """Standard output whose reader has gone."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", buffering=1) as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        yield


def test_a_comparison_is_written_all_the_same(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none")
    with _unread(), pytest.raises(SystemExit):
        compare([run], by="main", mode=None, output=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"compare.{kind}" for kind in ("csv", "md", "png", "svg")}


def test_the_summary_of_a_sweep_is_written_all_the_same(trained: Callable[..., Path], tmp_path: Path) -> None:
    shutil.copytree(trained("model=softmax", "data=wine", "trainer.max_epochs=2", "logger=none"), tmp_path / "0")
    with _unread(), pytest.raises(SystemExit):
        summarize(tmp_path, find_jobs(tmp_path))
    assert (tmp_path / "summary.csv").is_file()
    assert (tmp_path / "experiment" / "best.yaml").is_file()
