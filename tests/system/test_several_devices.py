"""Jobs of a sweep that run on several devices, here two processes on the CPU."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SHORT = ("data=iris", "model=softmax", "figures=none", "logger=csv", "trainer=ddp_sim", "trainer.max_epochs=2")


def _metrics(folder: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
def test_each_job_equals_the_run_alone(command, tmp_path: Path) -> None:
    typed = (*SHORT, "tags=['${hydra:job.num}',\"it's\"]")
    done = command("train.py", "-m", *typed, "optimizer.lr=0.1,0.01", f"hydra.sweep.dir={tmp_path}/sweep")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sweep/summary.csv").is_file()
    for job, rate in enumerate(("0.1", "0.01")):
        alone = tmp_path / f"alone{job}"
        done = command("train.py", *SHORT, f"optimizer.lr={rate}", f"hydra.run.dir={alone}")
        assert done.returncode == 0, done.stderr
        assert _metrics(tmp_path / f"sweep/{job}") == _metrics(alone)
        assert (tmp_path / f"sweep/{job}/.hydra/overrides.yaml").is_file()
        assert f"- '{job}'" in (tmp_path / f"sweep/{job}/config.yaml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_job_that_fails_is_a_result_and_the_next_one_runs(command, tmp_path: Path) -> None:
    # The second process of the first job sees the same loss.
    typed = (*SHORT, "optimizer.lr=1e30,0.1", "model=binary_mlp", "data=breast_cancer", "data.standardize=none")
    done = command("train.py", "-m", *typed, f"hydra.sweep.dir={tmp_path}/sweep")
    assert done.returncode == 1, done.stderr
    assert "the loss must stay finite" in (tmp_path / "sweep/0/error.txt").read_text(encoding="utf-8")
    assert (tmp_path / "sweep/0/.hydra/overrides.yaml").is_file()
    assert "test/acc" in _metrics(tmp_path / "sweep/1")


@pytest.mark.slow
def test_a_sweep_that_was_interrupted_goes_on(tmp_path: Path, root: Path) -> None:
    folder = tmp_path / "sweep"
    typed = [*SHORT[:-1], "trainer.max_epochs=3000", "callbacks.early_stopping=null", "seed=1,2"]
    program = [sys.executable, "train.py", "-m"]
    sweep = subprocess.Popen([*program, *typed, f"hydra.sweep.dir={folder}"], cwd=root, stderr=subprocess.PIPE)
    until = time.monotonic() + 120
    while not (folder / "0/checkpoints/last.ckpt").is_file() and time.monotonic() < until:
        time.sleep(0.2)
    sweep.send_signal(signal.SIGTERM)
    _, printed = sweep.communicate(timeout=120)
    assert sweep.returncode == 128 + signal.SIGTERM
    assert f"sweep.resume={folder}" in printed.decode()
    assert not (folder / "0/metrics.json").exists()
    assert not (folder / "0/.lock").exists()


def test_a_pruner_is_refused(perceptron, tmp_path: Path) -> None:
    search = ("hydra/sweeper=optuna", "optimizer.lr=interval(0.01,0.1)", f"hydra.sweep.dir={tmp_path}/sweep")
    answer = perceptron("train", "-m", *SHORT, *search)
    assert (answer.status, answer.err) == (
        2,
        "error: a pruner follows trials on one device, got trainer.devices=2; set hydra/sweeper/pruner=none or "
        "trainer.devices=1\n",
    )
