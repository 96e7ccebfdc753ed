"""Every logger of Lightning by the command line alone: trained, evaluated and resumed from its folder."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import loggers

# Where a run's own values go: below its folder, as conf/logger/csv.yaml has it.
NEEDED = {
    "CSVLogger": ["logger.own.save_dir=${paths.output_dir}"],
    "TensorBoardLogger": ["logger.own.save_dir=${paths.output_dir}"],
}
# Each needs a package, and sends what it gets to a server; docs/loggers.md.
PACKAGES = {"CometLogger": "comet", "LitLogger": "litlogger", "MLFlowLogger": "mlflow", "WandbLogger": "wandb"}
ABSTRACT = "Logger"
QUICK = ["data=iris", "model=softmax", "figures=none", "trainer.accelerator=cpu", "logger=null"]


def _typed(name: str) -> list[str]:
    return [*QUICK, f"+logger.own._target_=lightning.pytorch.loggers.{name}", *(f"+{t}" for t in NEEDED.get(name, []))]


def test_every_logger_is_tried() -> None:
    assert {name for name in loggers.__all__ if name != ABSTRACT} == NEEDED.keys() | PACKAGES.keys()


@pytest.mark.parametrize("name", NEEDED)
def test_it_logs_and_is_read_again(name: str, tmp_path: Path, perceptron: Any) -> None:
    run = tmp_path / "run"
    answer = perceptron("train", f"hydra.run.dir={run}", *_typed(name), "trainer.max_epochs=2")
    assert answer.status == 0, answer.err
    written = {path for path in run.rglob("*") if path.is_file() and "lightning_logs" in path.parts}
    assert written
    assert perceptron("evaluate", f"run={run}").status == 0
    (run / "metrics.json").unlink()
    resumed = perceptron("resume", f"run={run}", "trainer.max_epochs=3")
    assert resumed.status == 0, resumed.err


@pytest.mark.parametrize("name", [*PACKAGES, ABSTRACT])
def test_one_that_cannot_be_made_is_one_line(name: str, tmp_path: Path, perceptron: Any) -> None:
    if name in PACKAGES and find_spec(PACKAGES[name].replace("comet", "comet_ml")):
        pytest.skip(f"{PACKAGES[name]} is installed")
    answer = perceptron("train", f"hydra.run.dir={tmp_path}/run", *_typed(name))
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert "logger.own" in answer.err
    assert PACKAGES.get(name, "abstract") in answer.err
    assert not (tmp_path / "run").exists()
