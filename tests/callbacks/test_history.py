from pathlib import Path

import pytest
import torch
from torch.nn.utils import parameters_to_vector

import perceptron.callbacks.history as history_module
from perceptron.callbacks import History
from perceptron.composition.building.data import build_data
from perceptron.composition.building.model import build_model
from perceptron.composition.building.trainer import build_trainer
from perceptron.runs.checkpoints.metadata import StoredMetadata


def _fit(composed, history: History, *overrides: str, folder: str, ckpt_path: Path | None = None):
    cfg, chosen = composed("model=softmax", "data=iris", "logger=none", *overrides, folder=folder)
    data = build_data(cfg.data)
    model = build_model(cfg, data, chosen=chosen)
    trainer = build_trainer(cfg, [history, StoredMetadata(config={}, schema=data.schema)])
    trainer.fit(model, datamodule=data, ckpt_path=ckpt_path, weights_only=True)
    return trainer, model


def test_every_epoch_has_its_metrics_and_weights(composed) -> None:
    history = History()
    trainer, model = _fit(composed, history, "trainer.max_epochs=3", folder="run")
    assert set(history.curves) >= {"train/loss", "val/loss", "val/acc"}
    assert all(list(values) == [0, 1, 2] for values in history.curves.values())
    assert history.curves["train/loss"][2] == pytest.approx(trainer.callback_metrics["train/loss"].item())
    assert list(history.snapshots) == [0, 1, 2, 3]
    assert torch.equal(history.snapshots[3], parameters_to_vector(model.parameters()).detach())
    # It listens only while it is trained.
    assert trainer.loggers == []


@pytest.mark.filterwarnings("ignore:The dirpath has changed")
def test_a_resumed_run_knows_its_beginning(composed, tmp_path: Path) -> None:
    whole = History()
    _fit(composed, whole, "trainer.max_epochs=4", folder="whole")
    _fit(composed, History(), "trainer.max_epochs=2", folder="half")
    resumed = History()
    half = tmp_path / "half/checkpoints/last.ckpt"
    _fit(composed, resumed, "trainer.max_epochs=4", folder="rest", ckpt_path=half)
    assert resumed.curves == whole.curves
    assert list(resumed.snapshots) == list(whole.snapshots)
    assert all(torch.equal(resumed.snapshots[n], whole.snapshots[n]) for n in whole.snapshots)


def test_snapshots_are_thinned_and_large_networks_have_none(composed, monkeypatch) -> None:
    monkeypatch.setattr(history_module, "MOST_SNAPSHOTS", 4)
    history = History()
    _fit(composed, history, "trainer.max_epochs=10", folder="small")
    assert list(history.snapshots) == [0, 4, 8]
    assert len(history.curves["val/acc"]) == 10
    monkeypatch.setattr(history_module, "MOST_VALUES", 40)
    large = History()
    _fit(composed, large, "trainer.max_epochs=2", folder="large")
    assert large.snapshots == {}
