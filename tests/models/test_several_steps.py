"""Several steps in what Lightning takes for one batch end with the bits of one step a batch, or are not taken."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import (
    EarlyStopping,
    GradientAccumulationScheduler,
    LearningRateMonitor,
    ModelCheckpoint,
    StochasticWeightAveraging,
)
from omegaconf import DictConfig
from sklearn.datasets import load_iris
from tests.population.comparing import events
from torch import Tensor

from perceptron.callbacks import DescentFigure, EpochProgress, History
from perceptron.composition.train import train
from perceptron.data import TableDataModule
from perceptron.models import MulticlassClassifier, Standardize, schedules, several_steps, task_module
from perceptron.networks import MLP
from perceptron.runs.checkpoints import LastCheckpoint
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.checkpoints.exact_resume import ExactResume
from perceptron.runs.checkpoints.save_on_signal import SaveOnSignal

Composed = Callable[..., tuple[DictConfig, dict[str, str]]]
QUIET: dict[str, Any] = {
    "accelerator": "cpu", "logger": False, "enable_checkpointing": False, "enable_progress_bar": False,
    "enable_model_summary": False, "log_every_n_steps": 0,
}  # fmt: skip


class Doubled(MulticlassClassifier):
    """Looks at its gradients."""

    def on_after_backward(self) -> None:
        pass


class OwnStep(MulticlassClassifier):
    """Has a step of its own."""

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor | None:
        return super().training_step(batch, batch_idx)


class Listens(L.Callback):
    """Is told of every step."""

    def on_before_zero_grad(self, *_: Any) -> None:
        pass


class ListensToEpochs(L.Callback):
    """Is told of every epoch."""

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        pass


def _data(**settings: Any) -> TableDataModule:
    return TableDataModule(**{"dataset": load_iris, "batch_size": 4} | settings)


def _model(data: TableDataModule, kind: type[MulticlassClassifier] = MulticlassClassifier, **settings: Any) -> Any:
    torch.manual_seed(0)
    return kind(
        network=MLP(n_features=4, n_outputs=3, hidden=settings.pop("hidden", [5])),
        standardize=Standardize(data.features_scaling.mean, data.features_scaling.scale),
        **{"optimizer": partial(torch.optim.SGD, lr=0.1)} | settings,
    )


def _count(trainer: L.Trainer, model: Any, data: TableDataModule, *, taken: int = 0) -> int:
    """Steps of a batch where a fit would start, or continue behind so many steps of an epoch."""
    model.trainer, trainer.datamodule = trainer, data
    model.setup("fit")
    model.on_load_checkpoint({"loops": {"fit_loop": {"state_dict": {"combined_loader": [{"taken": taken}]}}}})
    assert model.automatic_optimization == (model.steps_per_batch == 1)
    return model.steps_per_batch


def _left(folder: Path) -> dict[str, Any]:
    """Everything in the checkpoints and metrics, without the names of folders."""
    text = str(folder)

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key).replace(text, ""): plain(part) for key, part in value.items() if key != "perceptron"}
        if isinstance(value, list | tuple):
            return [plain(part) for part in value]
        if isinstance(value, Tensor):
            return value.dtype, value.tolist()
        return value.replace(text, "") if isinstance(value, str) else value

    found = {name: plain(read_checkpoint(folder / f"checkpoints/{name}.ckpt")) for name in ("best", "last")}
    return found | {
        "metrics": json.loads((folder / "metrics.json").read_text(encoding="utf-8")),
        "curves": events(folder),
    }


def test_a_network_whose_weights_are_used_by_many_members_takes_fewer_steps() -> None:
    data = _data()
    data.setup()
    alone, shared = _model(data, hidden=[100]), _model(data, hidden=[100])
    shared.network.shared_by = 4_000
    assert _count(L.Trainer(**QUIET), alone, data) == data.steps_per_epoch
    n_weights = sum(parameter.numel() for parameter in shared.parameters())
    assert _count(L.Trainer(**QUIET), shared, data) == 2**27 // (4 * n_weights * 4_000)


@pytest.mark.parametrize("most", [64, 3])
@pytest.mark.parametrize(
    "settings",
    [
        ("model=digits_mlp", "data=wine", "model.network.hidden=[7]", "model.network.dropout=0.3", "optimizer=adam"),
        ("model=regression_mlp", "data=diabetes", "data.batch_size=33", "trainer.num_sanity_val_steps=1"),
        ("model=binary_mlp", "data.class_weights=balanced", "data.num_workers=1"),
        ("model=digits_mlp", "data=wine", "data.sampling=balanced", "data.val_fraction=0"),
    ],
)
def test_a_run_leaves_the_same_bits(
    composed: Composed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: tuple[str, ...], most: int
) -> None:
    base = ("data.batch_size=16", "trainer.max_epochs=3", "trainer.accelerator=cpu", "callbacks.last.every_seconds=0")
    taken: list[int] = []
    real = task_module.steps_per_batch
    for folder, limit in (("one", 1), ("several", most)):
        monkeypatch.setattr(several_steps, "_MOST_STEPS", limit)
        monkeypatch.setattr(task_module, "steps_per_batch", lambda *a: taken.append(real(*a)) or taken[-1])
        train(*composed(*base, *settings, folder=folder))
    assert taken[0] == 1 < taken[1] <= most
    one, several = _left(tmp_path / "one"), _left(tmp_path / "several")
    assert one == several
    assert len(one["curves"]) > 5


def test_the_comparison_sees_a_difference(composed: Composed, tmp_path: Path) -> None:
    for seed in (0, 1):
        train(
            *composed(
                "model=softmax",
                "data=wine",
                "trainer.max_epochs=1",
                "trainer.accelerator=cpu",
                f"seed={seed}",
                folder=str(seed),
            )
        )
    assert _left(tmp_path / "0") != _left(tmp_path / "1")


def test_the_steps_are_those_of_a_loop_by_hand() -> None:
    data = _data()
    model, by_hand = _model(data), _model(data)
    trainer = L.Trainer(**QUIET, max_epochs=2)
    assert _count(trainer, model, data) == 25
    trainer.fit(model, datamodule=data)
    assert trainer.global_step == 50
    features, target, *_ = data.rows("train")
    optimizer = torch.optim.SGD(by_hand.parameters(), lr=0.1)
    batches = data.row_batches()
    for epoch in range(2):
        batches.set_epoch(epoch)
        for rows in batches:
            loss = torch.nn.functional.cross_entropy(by_hand(features[rows]), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for (name, one), other in zip(model.named_parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(one, other, msg=name)


def _name(settings: dict[str, Any]) -> str:
    """Of a case, without the addresses of objects, by which no two processes would call it the same."""
    return re.sub(r" (object )?at 0x[0-9a-f]+", "", str(settings))


ALONE: list[dict[str, Any]] = [
    {"accumulate_grad_batches": 2},
    {"check_val_every_n_epoch": None, "val_check_interval": 5},
    {"fast_dev_run": True},
    {"gradient_clip_val": 0.5},
    {"limit_train_batches": 0.5},
    {"limit_train_batches": 1},
    {"log_every_n_steps": 3},
    {"max_steps": 5},
    {"max_time": "00:00:10:00"},
    {"min_steps": 5},
    {"overfit_batches": 2},
    {"precision": 64},
    {"precision": "bf16-mixed"},
    {"profiler": "simple"},
    {"strategy": "ddp"},
    {"val_check_interval": 0.5},
    {"val_check_interval": 1},
    {"val_check_interval": "00:00:10:00"},
    {"callbacks": [DescentFigure()]},
    {"callbacks": [GradientAccumulationScheduler({1: 2})]},
    {"callbacks": [LearningRateMonitor()]},
    {"callbacks": [Listens()]},
    {"callbacks": [ModelCheckpoint(every_n_train_steps=5)], "enable_checkpointing": True},
    {"callbacks": [ModelCheckpoint(train_time_interval=timedelta(hours=1))], "enable_checkpointing": True},
    {"callbacks": [StochasticWeightAveraging(swa_lrs=0.1)]},
]


@pytest.mark.parametrize("flags", ALONE, ids=_name)
def test_what_counts_or_hears_single_steps_gets_single_steps(flags: dict[str, Any], tmp_path: Path) -> None:
    data = _data()
    trainer = L.Trainer(**QUIET | {"max_epochs": 2, "default_root_dir": tmp_path} | flags)
    assert _count(trainer, _model(data), data) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": Doubled},
        {"kind": OwnStep},
        {"optimizer": torch.optim.LBFGS},
        {"optimizer": partial(torch.optim.LBFGS, lr=0.1)},
        {"schedule": schedules.cosine},
    ],
    ids=_name,
)
def test_a_model_of_which_lightning_must_know_each_step_gets_single_steps(settings: dict[str, Any]) -> None:
    data = _data()
    assert _count(L.Trainer(**QUIET), _model(data, **settings), data) == 1


def test_what_hears_epochs_alone_does_not_stand_in_the_way(tmp_path: Path) -> None:
    data = _data()
    callbacks = [
        EarlyStopping("val/loss"), EpochProgress(), ExactResume(), History(), SaveOnSignal(tmp_path),
        LastCheckpoint(dirpath=str(tmp_path)), ListensToEpochs(), ModelCheckpoint(dirpath=tmp_path, monitor="val/loss"),
    ]  # fmt: skip
    trainer = L.Trainer(**QUIET | {"enable_checkpointing": True, "enable_progress_bar": True}, callbacks=callbacks)
    assert _count(trainer, _model(data), data) == 25


def test_as_many_steps_as_take_some_milliseconds_and_stay_in_the_caches() -> None:
    data = _data()
    trainer = L.Trainer(**QUIET)
    assert _count(trainer, _model(data), data) == 25
    assert _count(trainer, _model(data), data, taken=25) == 25
    assert _count(trainer, _model(data), data, taken=24) == 1
    assert _count(trainer, _model(data, hidden=[2000, 1000]), data) == 16
    assert _count(trainer, _model(data, hidden=[8000, 8000]), data) == 1
    for settings, count in (({"batch_size": None}, 1), ({"batch_size": 97}, 1), ({"batch_size": 96}, 2)):
        other = _data(**settings)
        assert _count(trainer, _model(other), other) == count
    wide = _data(dataset=lambda: (torch.rand(2000, 1000).numpy(), torch.arange(2000).numpy() % 3), batch_size=100)
    wide.setup()
    assert _count(trainer, _model(data), wide) == 10
