"""Every strategy and profiler of Lightning by the command line alone: trained, evaluated and resumed."""

from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import profilers, strategies

SHORT = ["data=iris", "model=softmax", "figures=none", "logger=csv", "trainer.accelerator=cpu"]
STRATEGIES = {
    "SingleDeviceStrategy": [],
    "DDPStrategy": ["trainer.devices=2", "+trainer.strategy.find_unused_parameters=true"],
}
PROFILERS = {
    "AdvancedProfiler": ["+trainer.profiler.line_count_restriction=5"],
    "PassThroughProfiler": [],
    "PyTorchProfiler": ["+trainer.profiler.row_limit=5"],
    "SimpleProfiler": ["+trainer.profiler.extended=false"],
}
# docs/loggers.md says why. What the answer holds.
CANNOT = {
    "strategy.DeepSpeedStrategy": "deepspeed",
    "strategy.FSDPStrategy": "",
    "strategy.ModelParallelStrategy": "configure_model",
    "strategy.ParallelStrategy": "abstract",
    "strategy.Strategy": "abstract",
    "profiler.Profiler": "",
    "profiler.XLAProfiler": "",
}
BY_NAME = [
    "strategy=ddp_find_unused_parameters_true",
    "strategy=single_device",
    "profiler=advanced",
    "profiler=pytorch",
]


def _module(flag: str) -> str:
    return {"strategy": "strategies", "profiler": "profilers"}[flag]


def test_every_class_is_tried() -> None:
    tried = {*(f"strategy.{name}" for name in STRATEGIES), *(f"profiler.{name}" for name in PROFILERS), *CANNOT}
    every = {f"strategy.{name}" for name in strategies.__all__} | {f"profiler.{name}" for name in profilers.__all__}
    assert tried == every


def _walk(perceptron: Any, run: Path, *typed: str) -> None:
    answer = perceptron("train", f"hydra.run.dir={run}", *SHORT, *typed, "trainer.max_epochs=2")
    assert answer.status == 0, answer.err
    assert perceptron("evaluate", f"run={run}").status == 0
    (run / "metrics.json").unlink()
    resumed = perceptron("resume", f"run={run}", "trainer.max_epochs=3")
    assert resumed.status == 0, resumed.err


# torch's profiler sees few steps.
@pytest.mark.filterwarnings(r"ignore:.*PyTorch Profiler default schedule.*")
@pytest.mark.filterwarnings(r"ignore:.*Profiler clears events.*")
@pytest.mark.parametrize("name", PROFILERS)
def test_a_profiler_writes_into_the_run(name: str, tmp_path: Path, perceptron: Any) -> None:
    typed = f"trainer.profiler={{_target_: lightning.pytorch.profilers.{name}, filename: times}}"
    _walk(perceptron, tmp_path / "run", typed, *PROFILERS[name])
    assert list((tmp_path / "run").rglob("*times*"))


def test_a_strategy_of_one_process(tmp_path: Path, perceptron: Any) -> None:
    _walk(
        perceptron, tmp_path / "run", "trainer.strategy={_target_: lightning.pytorch.strategies.SingleDeviceStrategy}"
    )


@pytest.mark.slow
def test_a_strategy_of_several_processes(tmp_path: Path, command: Any) -> None:
    run = tmp_path / "run"
    typed = ["trainer.strategy={_target_: lightning.pytorch.strategies.DDPStrategy}", *STRATEGIES["DDPStrategy"]]
    done = command("train.py", *SHORT, *typed, "trainer.max_epochs=2", f"hydra.run.dir={run}")
    assert done.returncode == 0, done.stderr
    done = command("-m", "perceptron", "evaluate", f"run={run}", logs=False)
    assert done.returncode == 0, done.stderr
    (run / "metrics.json").unlink()
    done = command("-m", "perceptron", "resume", f"run={run}", "trainer.max_epochs=3", logs=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.filterwarnings(r"ignore:.*PyTorch Profiler default schedule.*")
@pytest.mark.filterwarnings(r"ignore:.*Profiler clears events.*")
@pytest.mark.parametrize("typed", BY_NAME)
def test_a_name_of_lightnings_is_taken(typed: str, tmp_path: Path, perceptron: Any) -> None:
    _walk(perceptron, tmp_path / "run", f"trainer.{typed}")


# Lightning's XLAProfiler misses an attribute when one that could not be made is deleted.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", CANNOT)
def test_one_that_cannot_be_made_here_is_one_line(name: str, tmp_path: Path, perceptron: Any) -> None:
    flag, _, kind = name.partition(".")
    typed = f"trainer.{flag}={{_target_: lightning.pytorch.{_module(flag)}.{kind}}}"
    answer = perceptron("train", f"hydra.run.dir={tmp_path}/run", *SHORT, typed, "trainer.max_epochs=1")
    assert answer.status == 2
    *before, line = answer.err.splitlines()
    assert line.startswith("error: trainer")
    # Lightning's own words on the object that it could not make.
    assert not before or (kind == "XLAProfiler" and before[0].startswith("Exception ignored in: <function Profiler"))
    assert CANNOT[name] in line
    assert not (tmp_path / "run").exists()
