"""The working folder: modules that lie there by chance, or by malice, are not run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perceptron.commands.dashboard import tensorboard_command

# What Python, this project and TensorBoard import early.
SHADOWS = ("typing", "signal", "inspect", "tensorboard", "tensorflow", "google", "hydra", "omegaconf", "yaml", "torch")


@pytest.fixture
def shadowed(tmp_path: Path) -> Path:
    """A working folder whose modules leave a file when they are imported."""
    for name in SHADOWS:
        marker = str(tmp_path / f"{name}.marker")
        (tmp_path / f"{name}.py").write_text(f"open({marker!r}, 'w').close()\nraise SystemExit(7)", encoding="utf-8")
    # Hydra imports all modules of this package, wherever Python finds it.
    (tmp_path / "hydra_plugins").mkdir()
    (tmp_path / "hydra_plugins" / "plugin.py").write_text(
        (tmp_path / "typing.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    return tmp_path


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=200
    )


def test_the_payload_works(shadowed: Path) -> None:
    assert run_in(shadowed, sys.executable, "-m", "typing").returncode == 7
    assert (shadowed / "typing.marker").exists()


@pytest.mark.parametrize("command", [("--help",), ("evaluate", "run=nowhere"), ("train", "optimizer.lr=-1")])
def test_python_m_perceptron(shadowed: Path, command: tuple[str, ...]) -> None:
    run_in(shadowed, sys.executable, "-m", "perceptron", *command)
    assert not list(shadowed.glob("*.marker"))


def test_the_dashboard(shadowed: Path) -> None:
    (shadowed / "logs").mkdir()
    (shadowed / "logs" / "events.out.tfevents.1").touch()
    program = tensorboard_command([f"logs={shadowed / 'logs'}"])
    answer = run_in(shadowed, *program[: program.index("--logdir")], "--version_tb")
    assert answer.returncode == 0, answer.stderr
    assert not list(shadowed.glob("*.marker"))
