import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from perceptron.composition.settings.parts import check_part
from perceptron.errors import UsageError

CALLBACKS = "lightning.pytorch.callbacks"
WRONG = {
    "a list for a number": ("EarlyStopping", {"min_delta": []}, "min_delta must be a number"),
    "a number for a count": ("EarlyStopping", {"patience": 1.5}, "patience must be a whole number"),
    "a text for a flag": ("EarlyStopping", {"strict": "x"}, "strict must be true or false"),
    "a mapping for a text": ("EarlyStopping", {"monitor": {}}, "monitor must be a text"),
    "none of several types": (
        "Timer",
        {"duration": 1.5},
        "duration must be a text or a mapping",
    ),
    "another word": (
        "LearningRateMonitor",
        {"logging_interval": "day"},
        "logging_interval must be step or epoch",
    ),
    "a number for a path": ("OnExceptionCheckpoint", {"dirpath": 3}, "dirpath must be a text or a path"),
    "a text in a list of numbers": (
        "StochasticWeightAveraging",
        {"swa_lrs": ["x"]},
        "swa_lrs must be a number or a list",
    ),
    "a text in a mapping": ("GradientAccumulationScheduler", {"scheduling": {1: "x"}}, "scheduling must be a mapping"),
    "a text for a function": ("LambdaCallback", {"setup": "os.system"}, "setup must be a function"),
}
RIGHT: dict[str, tuple[str, dict[str, Any]]] = {
    "whole numbers are numbers": (
        "EarlyStopping",
        {"monitor": "val/loss", "min_delta": 0, "patience": 3, "stopping_threshold": None},
    ),
    "0 and 1 are flags": ("EarlyStopping", {"monitor": "val/loss", "strict": 1, "verbose": 0}),
    "lists and mappings": ("GradientAccumulationScheduler", {"scheduling": {0: 1, 4: 2}}),
    "an object is made of it": (
        "ModelCheckpoint",
        {"train_time_interval": {"_target_": "datetime.timedelta", "days": 1}},
    ),
    "a path": ("ModelCheckpoint", {"dirpath": "here", "save_last": "link", "save_top_k": -1}),
}


@pytest.mark.parametrize(("name", "arguments", "rule"), WRONG.values(), ids=WRONG)
def test_a_wrong_type_is_named(name: str, arguments: Mapping[str, Any], rule: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_part({"_target_": f"{CALLBACKS}.{name}", **arguments}, "callbacks.x")
    ((key, value),) = arguments.items()
    assert str(caught.value).startswith(f"callbacks.x.{rule}")
    assert str(caught.value).endswith(f", got {value!r}; set callbacks.x.{key}")


@pytest.mark.parametrize(("name", "arguments"), RIGHT.values(), ids=RIGHT)
def test_a_right_type_passes(name: str, arguments: Mapping[str, Any]) -> None:
    check_part({"_target_": f"{CALLBACKS}.{name}", **arguments}, "callbacks.x")


def test_parts_within_parts_are_checked() -> None:
    profiler = {"_target_": "lightning.pytorch.profilers.SimpleProfiler", "filename": 3}
    part = {"_target_": "lightning.Trainer", "profiler": profiler, "plugins": [profiler]}
    with pytest.raises(UsageError, match=r"^trainer.profiler.filename must be a text, got 3; set"):
        check_part(part, "trainer")


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("callbacks.early_stopping.min_delta", "a number"),
        ("callbacks.checkpoint.every_n_epochs", "a whole number"),
        ("logger.csv.name", "a text"),
        ("trainer.profiler", "a text"),
    ],
)
def test_a_stored_run_is_one_line(
    trained: Callable[..., Path], tmp_path: Path, perceptron: Any, key: str, rule: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained("data=wine", "model=softmax", "trainer.max_epochs=1", "figures=none", "logger=csv",
                            "trainer.accelerator=cpu"), run)  # fmt: skip
    (run / "metrics.json").unlink()
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    part = config
    *path, name = key.split(".")
    for each in path:
        part = part[each]
    part[name] = []
    (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    answer = perceptron("resume", f"run={run}")
    assert answer.status == 2
    assert answer.err.startswith(f"error: {key} must be {rule}, got [];")
    assert len(answer.err.splitlines()) == 1
