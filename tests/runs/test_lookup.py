import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from perceptron.errors import UsageError
from perceptron.runs.lookup import find_run, find_source


def _run(
    folder: Path,
    *,
    age: int,
    value: float | None = None,
    checkpoint: bool = True,
    directions: dict[str, str] | None = None,
    **changes: Any,
) -> Path:
    folder.mkdir(parents=True)
    data = {"dataset": {"_target_": "sklearn.datasets.load_iris"}, "split_seed": 0} | changes.pop("data", {})
    (folder / "config.yaml").write_text(yaml.safe_dump({"data": data}), encoding="utf-8")
    os.utime(folder / "config.yaml", (1e9 - age, 1e9 - age))
    if checkpoint:
        (folder / "checkpoints").mkdir()
        (folder / "checkpoints" / "best.ckpt").touch()
    if value is not None:
        best = {"monitor": "val/loss", "mode": "min", "value": value, "checkpoint": "checkpoints/best.ckpt"} | changes
        origin = {"best": best, "directions": directions or {}}
        (folder / "provenance.json").write_text(json.dumps(origin), encoding="utf-8")
        (folder / "metrics.json").write_text("{}", encoding="utf-8")
    return folder


def test_latest_is_the_one_started_last(tmp_path: Path) -> None:
    _run(tmp_path / "b", age=3)
    newest = _run(tmp_path / "task" / "runs" / "a", age=2)
    bare = _run(tmp_path / "c", age=1, checkpoint=False)
    assert find_run("latest", among=tmp_path).folder == newest
    assert find_run("latest", among=tmp_path, with_checkpoint=False).folder == bare


@pytest.mark.parametrize(("mode", "best"), [("min", "low"), ("max", "high")])
def test_best_follows_the_direction(tmp_path: Path, mode: str, best: str) -> None:
    for name, value in (("low", 0.1), ("middle", 0.2), ("high", 0.3)):
        _run(tmp_path / name, age=1, value=value, monitor="val/skill", directions={"skill": mode})
    _run(tmp_path / "unfinished", age=1)
    assert find_run("best", among=tmp_path).folder == tmp_path / best


def test_of_old_runs_only_our_own_metrics_are_known(tmp_path: Path) -> None:
    for name, value in (("low", 0.1), ("high", 0.3)):
        # What versions that guessed have stored as the mode says nothing.
        _run(tmp_path / "known" / name, age=1, value=value, monitor="val/acc", mode="min")
        _run(tmp_path / "unknown" / name, age=1, value=value, monitor="val/skill", mode="min")
    assert find_run("best", among=tmp_path / "known").folder == tmp_path / "known" / "high"
    line = "whether a larger val/skill is better must be known, got runs that do not say; name the run's folder"
    with pytest.raises(UsageError, match=f"^{line}$"):
        find_run("best", among=tmp_path / "unknown")


def test_best_refuses_runs_that_contradict_one_another(tmp_path: Path) -> None:
    for name, mode in (("a", "min"), ("b", "max")):
        _run(tmp_path / name, age=1, value=0.1, monitor="val/skill", directions={"skill": mode})
    with pytest.raises(UsageError, match="got both min and max for val/skill; name runs that agree"):
        find_run("best", among=tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"monitor": "val/acc"}, "one monitored metric, got 2 in .*: monitor=val/acc, val/loss; narrow"),
        ({"data": {"split_seed": 1}}, "one data set and split, got 2 in .*: split_seed=0, 1; narrow"),
        ({"data": {"dataset": {"_target_": "sklearn.datasets.load_wine"}}}, r"load_iris\(\).*load_wine\(\)"),
        ({"data": {"dataset": {}, "path": "other.csv"}}, "one data set and split, got 2 .*other.csv"),
    ],
)
def test_best_refuses_what_cannot_be_compared(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    _run(tmp_path / "a", age=1, value=0.1)
    _run(tmp_path / "b", age=1, value=0.2, **changes)
    with pytest.raises(UsageError, match=message):
        find_run("best", among=tmp_path)


def test_best_names_a_few_of_many_splits(tmp_path: Path) -> None:
    for fold in range(6):
        _run(tmp_path / str(fold), age=1, value=0.1, data={"folds": 6, "fold": fold})
    said = "got 6 in .*: fold=0, 1, 2, 3 more; narrow it with .*, or rank settings .*: perceptron compare "
    with pytest.raises(UsageError, match=said):
        find_run("best", among=tmp_path)


def test_a_checkpoint_stands_for_itself(tmp_path: Path) -> None:
    folder = _run(tmp_path / "a", age=1)
    assert find_source(str(folder / "checkpoints" / "best.ckpt"), among=tmp_path).name == "best.ckpt"
    assert find_source(str(folder), among=tmp_path) == folder


def test_the_folder_of_a_sweep_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "multirun.yaml").write_text("seed: 0\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        find_run(str(tmp_path), among=tmp_path)
    assert (
        str(caught.value)
        == f"run must be a run's folder, got {tmp_path}, which is a sweep's; name the folder of one of its jobs"
    )
