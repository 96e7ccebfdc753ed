"""No value of a test row, and no target of one, changes anything that is fitted: whole runs, compared bit by bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
import torch
from omegaconf import DictConfig
from sklearn.utils import Bunch
from torch import Tensor

from perceptron.composition.building.data import build_data
from perceptron.composition.train import train
from perceptron.data import Split

Composed = Callable[..., tuple[DictConfig, dict[str, str]]]
SETTINGS = ("model=auto", "trainer.max_epochs=2", "logger=none")
TWO_CLASSES = ("model.threshold=auto", "data.class_weights=balanced")
SPLITS = {
    "fractions": [],
    "folds": ["data.folds=4", "data.fold=1"],
    "groups": ["data.group=patient"],
    "time": ["data.time=joined", "data.exclude=[patient]"],
    "a test file": ["data.test_path={folder}/test.parquet"],
}
# These draw rows by class, so that another class is another split: they are told the first one's.
STRATIFIED = ("fractions", "folds")


def _mixed(n: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": random.normal(40, 10, n).round(1),
            "city": random.choice(["Bern", "Basel", "Genf"], n),
            "member": random.random(n) < 0.5,
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.permutation(n), unit="D"),
            "born": pd.Timestamp("1980-01-01") + pd.to_timedelta(random.integers(0, 5000, n), unit="D"),
            "patient": random.integers(0, n // 4, n),
        }
    )
    frame["churned"] = np.where((frame.age > 45) | (random.random(n) < 0.1), "yes", "no")
    frame.loc[random.random(n) < 0.1, "age"] = np.nan
    frame.loc[random.random(n) < 0.1, "city"] = None
    return frame


def _spoilt(frame: pd.DataFrame, rows: Any) -> pd.DataFrame:
    """With other values in these rows, in every column that is learnt from in each of the splits."""
    frame = frame.copy()
    frame.loc[rows, "age"] = np.random.default_rng(3).normal(1e5, 1e4, len(rows))
    frame.loc[rows, "city"] = "nowhere"
    frame.loc[rows, "member"] = True
    frame.loc[rows, "born"] = pd.Timestamp("1900-01-01")
    frame.loc[rows[:5], ["age", "city", "born"]] = None
    return frame


def _other_targets(frame: pd.DataFrame, rows: Any) -> pd.DataFrame:
    frame = frame.copy()
    frame.loc[rows, "churned"] = frame.loc[rows, "churned"].map({"yes": "no", "no": "yes"})
    return frame


def _fitted(cfg: DictConfig, chosen: dict[str, str]) -> dict[str, Any]:
    """All that a run's checkpoints hold of what was fitted: tensors as bytes, and the codes of the columns."""
    train(cfg, chosen, quiet=True)
    found: dict[str, Any] = {}
    for name in ("best", "last"):
        checkpoint = torch.load(Path(cfg.paths.output_dir) / f"checkpoints/{name}.ckpt", weights_only=True)
        for part in ("state_dict", "optimizer_states", "epoch_sums"):
            found |= _tensors(checkpoint[part], f"{name}/{part}")
        found[f"{name}/schema"] = checkpoint["perceptron"]["schema"]
    return found


def _tensors(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, Tensor):
        return {name: value.numpy().tobytes()}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {key: found for at, item in items for key, found in _tensors(item, f"{name}/{at}").items()}


def _keep_split(monkeypatch: pytest.MonkeyPatch, split: Split) -> None:
    for module in ("perceptron.data.group_splits", "perceptron.data.prepare"):
        monkeypatch.setattr(f"{module}.split_rows", lambda *_, **__: split)


@pytest.mark.parametrize("how", SPLITS)
def test_of_a_mixed_table(how: str, composed: Composed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, test = _mixed(300, seed=0), _mixed(60, seed=1)
    at = {"folder": tmp_path}

    def run(name: str, frame: pd.DataFrame, test: pd.DataFrame) -> tuple[DictConfig, dict[str, Any]]:
        frame.to_parquet(tmp_path / "table.parquet")
        test.to_parquet(tmp_path / "test.parquet")
        own = [setting.format(**at) for setting in SPLITS[how]]
        cfg, chosen = composed(
            "data=table", f"data.path={tmp_path}/table.parquet", "data.target=churned", *SETTINGS, *TWO_CLASSES, *own,
            folder=name,
        )  # fmt: skip
        return cfg, _fitted(cfg, chosen)

    cfg, clean = run("clean", frame, test)
    split = build_data(cfg.data).split
    assert len(split.test) >= 50
    assert {"best/state_dict/cut", "best/state_dict/standardize.mean", "best/state_dict/network.0.weight"} <= set(clean)
    given = how == "a test file"
    rows = np.arange(len(test)) if given else split.test

    def changed(change: Callable[..., pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
        return (frame, change(test, rows)) if given else (change(frame, rows), test)

    assert run("features", *changed(_spoilt))[1] == clean
    if how in STRATIFIED:
        _keep_split(monkeypatch, split)
    cfg, other = run("targets", *changed(_other_targets))
    assert (build_data(cfg.data).split.test == split.test).all()
    assert other == clean
    # Of a training row it would show, in each of them.
    for change in (_spoilt, _other_targets):
        _, other = run(change.__name__, change(frame, split.train[:40]), test)
        assert other["best/state_dict/network.0.weight"] != clean["best/state_dict/network.0.weight"]


@pytest.mark.parametrize("name", ["breast_cancer", "iris", "diabetes"])
@pytest.mark.parametrize("folds", [[], ["data.folds=4", "data.fold=1"]], ids=["fractions", "folds"])
def test_of_a_plain_table(name: str, folds: list[str], composed: Composed, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = getattr(sklearn.datasets, f"load_{name}")()
    settings = ["data.class_weights=balanced"] if name != "diabetes" else []
    settings += ["model.threshold=auto"] if name == "breast_cancer" else []

    def run(folder: str, data: Any, target: Any) -> tuple[DictConfig, dict[str, Any]]:
        def load(**_: Any) -> Bunch:
            return Bunch(**(dict(whole) | {"data": data, "target": target}))

        monkeypatch.setattr(sklearn.datasets, f"load_{name}", load)
        cfg, chosen = composed(f"data={name}", *SETTINGS, *settings, *folds, folder=folder)
        return cfg, _fitted(cfg, chosen)

    cfg, clean = run("clean", whole.data, whole.target)
    split = build_data(cfg.data).split
    for rows, same in ((split.test, True), (split.train[:20], False)):
        data, target = whole.data.copy(), whole.target.copy()
        data[rows] = data[rows] * 100 + 1
        assert (run(f"features_{same}", data, whole.target)[1] == clean) == same
        # A continuous target does not decide on the split.
        if name != "diabetes":
            _keep_split(monkeypatch, split)
        target[rows] = target[rows] * 3 if name == "diabetes" else (target[rows] + 1) % (target.max() + 1)
        assert (run(f"targets_{same}", whole.data, target)[1] == clean) == same
        assert (build_data(cfg.data).split.test == split.test).all()
