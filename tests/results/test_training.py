"""Training in Python: what the command line does, in a process that is as before."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import initialize
from hydra.core.global_hydra import GlobalHydra

import perceptron
from perceptron import UsageError
from perceptron.errors import InterruptedRunError

# Windows has no SIGHUP.
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
IRIS = ("data=iris", "model=softmax", "figures=none", "trainer.max_epochs=3")


def _process() -> dict[str, Any]:
    root = logging.getLogger()
    return {
        "argv": list(sys.argv),
        "cwd": Path.cwd(),
        "environment": dict(os.environ),
        "filters": list(warnings.filters),
        "handlers": [signal.getsignal(number) for number in SIGNALS],
        "loggers": {
            name: (list(logger.handlers), logger.level, logger.propagate, logger.disabled)
            for name in ("", "lightning", "perceptron", "lightning.pytorch.utilities.rank_zero")
            for logger in [logging.getLogger(name or None)]
        },
        "excepthook": sys.unraisablehook,
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),  # noqa: NPY002
        "torch": torch.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "hydra": GlobalHydra.instance().is_initialized(),
        "root": root.level,
    }


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = torch.load(folder / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
    return weights


def test_a_run_has_the_bits_of_the_command(tmp_path: Path, command) -> None:
    run = perceptron.train([*IRIS, f"hydra.run.dir={tmp_path}/python"])
    done = command("train.py", *IRIS, f"hydra.run.dir={tmp_path}/command")
    assert done.returncode == 0, done.stderr
    other = perceptron.load_run(tmp_path / "command")
    assert run.metrics == other.metrics
    assert _weights(run.folder).keys() == _weights(other.folder).keys()
    assert all(torch.equal(_weights(run.folder)[name], value) for name, value in _weights(other.folder).items())
    assert {path.name for path in run.folder.iterdir()} == {path.name for path in other.folder.iterdir()}
    assert run.provenance["command"] == ["perceptron", "train", *IRIS, f"hydra.run.dir={tmp_path}/python"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["optimizer.lr=0.1"], None),
        (["optimizer.lrr=0.1"], "there is no setting optimizer.lrr; did you mean optimizer.lr?"),
        (["model=digits_mlp", "optimizer.lr=1e30"], "the loss must stay finite"),
        (["trainer=ddp_sim"], "a run in Python must run on one device, got trainer.devices=2"),
        (["seed=0,1"], "train trains one run, got several values in seed=0,1; use perceptron.sweep"),
        (["seed=range(3)"], "train trains one run, got several values in seed=range(3); use perceptron.sweep"),
        (["seed=0,"], "seed=0,"),
        (["data=wine", "model=binary_mlp"], "needs two classes"),
    ],
)
def test_a_process_is_as_before(tmp_path: Path, monkeypatch, capfd, settings: list[str], said: str | None) -> None:
    monkeypatch.chdir(tmp_path)
    before = _process()
    settings = [*IRIS, *settings]
    if said is None:
        assert perceptron.train(settings).folder.is_relative_to(tmp_path / "logs/train/runs")
    else:
        with pytest.raises(UsageError) as caught:
            perceptron.train(settings)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)
        # The exception says it, and nothing else does.
        assert "error" not in "".join(capfd.readouterr())
    assert _process() == before


def test_the_first_call_of_a_process_leaves_the_random_generators_too(tmp_path: Path) -> None:
    # It imports rich, which draws from Python's.
    program = """
import random
import numpy, torch
import perceptron

def states():
    return random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()

random.seed(0)
before = states()
perceptron.train(["data=iris", "model=softmax", "figures=none", "trainer.max_epochs=1", "logger=none"])
assert states() == before
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)


def test_two_calls_make_two_runs_with_the_same_numbers(tmp_path: Path) -> None:
    runs = [perceptron.train([*IRIS, f"paths.log_dir={tmp_path}"]) for _ in range(2)]
    assert runs[0].folder != runs[1].folder
    assert runs[0].metrics == runs[1].metrics


def test_somebody_elses_hydra_stays_initialized(tmp_path: Path) -> None:
    GlobalHydra.instance().clear()
    with initialize(version_base="1.3", config_path=None):
        own = GlobalHydra.instance().hydra
        perceptron.train([*IRIS, f"paths.log_dir={tmp_path}"])
        assert GlobalHydra.instance().hydra is own


def test_a_failed_job_is_a_row_and_no_exception(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = _process()
    sweep = perceptron.sweep([*IRIS, "optimizer.lr=0.1,3e38"])
    assert _process() == before
    assert sweep.to_frame()["state"].tolist() == ["done", "failed"]


@pytest.mark.parametrize(
    ("call", "settings", "said"),
    [
        ("train", "seed=1", "settings must be a list of texts, got the text seed=1"),
        ("train", ["-m", "seed=1,2"], "settings are written key=value, got -m; use perceptron.sweep"),
        ("sweep", ["--cfg", "job"], "settings are written key=value, got --cfg; use the command line"),
        ("train", ["hydra.mode=MULTIRUN", "seed=0"], "train trains one run, got the settings of several"),
        ("sweep", ["optimizer.lr=0.1,nope"], "optimizer.lr"),
    ],
)
def test_what_cannot_run_is_said_in_one_line(tmp_path: Path, call: str, settings: Any, said: str) -> None:
    if isinstance(settings, list) and not settings[0].startswith("-"):
        settings = [*IRIS, *settings, f"paths.log_dir={tmp_path}"]
    with pytest.raises(UsageError, match=said):
        getattr(perceptron, call)(settings)


@pytest.mark.parametrize("settings", [[3], None, 3, [["seed=1"]]])
def test_settings_that_are_no_texts_are_refused(settings: Any) -> None:
    with pytest.raises(UsageError, match=r"^settings must be a list of texts, got .*; write "):
        perceptron.train(settings)


def test_an_interruption_saves_the_state_and_says_how_to_resume(tmp_path: Path) -> None:
    program = f"""
import os, signal, threading, time
import perceptron
from perceptron.errors import InterruptedRunError
folder = "{tmp_path}/run"
before = signal.getsignal(signal.SIGINT)
def stop():
    while not os.path.exists(folder + "/checkpoints/best.ckpt"):
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=stop, daemon=True).start()
try:
    perceptron.train(["data=iris", "model=softmax", "figures=none", "trainer.max_epochs=100000",
                      "callbacks.early_stopping=null", "hydra.run.dir=" + folder])
except InterruptedRunError as error:
    print(error)
    assert signal.getsignal(signal.SIGINT) is before
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"continue with perceptron resume run={tmp_path}/run" in done.stdout
    assert perceptron.load_run(tmp_path / "run").state == "running"
    assert issubclass(InterruptedRunError, BaseException)


def test_provenance_is_valid_json_of_a_command_that_can_be_typed(tmp_path: Path) -> None:
    run = perceptron.train([*IRIS, f"paths.log_dir={tmp_path}"])
    command = json.loads((run.folder / "provenance.json").read_text(encoding="utf-8"))["command"]
    assert command[:2] == ["perceptron", "train"]
