"""Callbacks of the configuration: what they log is heard, what they cannot do is refused."""

import csv
import json
from pathlib import Path

import lightning as L
import pytest
import torch
from torch import Tensor

from perceptron.composition.settings.checks import check
from perceptron.composition.train import train
from perceptron.errors import UsageError
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint

IRIS = ("data=iris", "model=softmax", "logger=csv", "trainer.max_epochs=3")
PREFIX = "lightning.pytorch.callbacks"


class LogsItsOwn(L.Callback):
    """A metric that is best in epoch 1, and one of the test."""

    tests = 0

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        pl_module.log("val/mine", [0.5, 0.9, 0.1][trainer.current_epoch])

    def on_test_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        LogsItsOwn.tests += 1
        pl_module.log("test/mine", 0.7)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        pl_module.log("train/mine", float(trainer.current_epoch))


OWN = f"+callbacks.own._target_={__name__}.LogsItsOwn"


@pytest.mark.parametrize("single", [False, True])
def test_what_callbacks_log_is_heard_beside_the_models_metrics(composed, tmp_path: Path, single: bool) -> None:
    LogsItsOwn.tests = 0
    flags = ["trainer.gradient_clip_val=100"] if single else []
    train(*composed(*IRIS, OWN, *flags))
    with (tmp_path / "csv/metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name, twin in (("val/mine", "val/loss"), ("train/mine", "train/loss"), ("test/mine", "test/loss")):
        places = [[i for i, row in enumerate(rows) if row[column]] for column in (name, twin)]
        assert places[0] == places[1], name
        assert places[0]
    assert LogsItsOwn.tests == 1
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    # The best epoch by the loss is the last.
    assert (metrics["val/mine"], metrics["test/mine"], metrics["train/mine"]) == pytest.approx((0.1, 0.7, 2.0))


def test_a_callbacks_metric_can_be_monitored(composed, tmp_path: Path) -> None:
    cfg, chosen = composed(*IRIS, OWN, "monitor=val/mine", "mode=max")
    check(cfg)
    assert train(cfg, chosen) == pytest.approx(0.9)
    assert read_checkpoint(tmp_path / "checkpoints/best.ckpt")["epoch"] == 1
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["val/mine"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    "settings",
    [
        ("monitor=val/mien", "mode=max"),
        ("callbacks.early_stopping.monitor=val/mien", "callbacks.early_stopping.mode=max"),
        ("callbacks=none", "monitor=val/mien", "mode=max"),
    ],
)
def test_a_monitored_metric_that_nobody_logs_is_named_after_the_first_epoch(
    composed, settings: tuple[str, ...]
) -> None:
    cfg, chosen = composed(*IRIS, *settings, OWN)
    check(cfg)
    with pytest.raises(UsageError, match=r"monitor must be a metric that this run logs, got val/mien; did you mean"):
        train(cfg, chosen)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ([f"+callbacks.x._target_={PREFIX}.LearningRateFinder"], r"got LearningRateFinder, which changes optimizer.lr"),
        ([f"+callbacks.x._target_={PREFIX}.BatchSizeFinder"], r"got BatchSizeFinder, which changes data.batch_size"),
        (
            [f"+callbacks.x._target_={PREFIX}.StochasticWeightAveraging", "+callbacks.x.swa_lrs=0.1"],
            r"averages weights that are never validated.*WeightAveraging, or set callbacks.checkpoint=null",
        ),
        (
            [f"+callbacks.x._target_={PREFIX}.EMAWeightAveraging", "+callbacks.x.use_buffers=true"],
            r"callbacks.x.use_buffers must be false, got true",
        ),
        (
            [f"+callbacks.x._target_={PREFIX}.LearningRateMonitor", "+callbacks.x.logging_interval=step"],
            r"callbacks.x, a LearningRateMonitor, logs at steps, got trainer.log_every_n_steps=0",
        ),
        ([f"+callbacks.x._target_={PREFIX}.LearningRateMonitor", "scheduler=onecycle"], r"logs at steps"),
        ([f"+callbacks.x._target_={PREFIX}.DeviceStatsMonitor"], r"a DeviceStatsMonitor, logs at steps"),
        ([f"+callbacks.x._target_={PREFIX}.LearningRateMonitor", "logger=none"], r"needs a logger, got none"),
        (["+callbacks.checkpoint.save_weights_only=true"], r"callbacks.checkpoint.save_weights_only must be false"),
        (
            [f"+callbacks.x._target_={PREFIX}.ModelCheckpoint", "+callbacks.x.monitor=val/loss"],
            r"ModelCheckpoint callbacks must differ .* got callbacks.checkpoint and callbacks.x; leave one out",
        ),
        (
            [
                f"+callbacks.x._target_={PREFIX}.ModelCheckpoint",
                "+callbacks.x.monitor=val/acc",
                "+callbacks.x.mode=max",
                "+callbacks.x.filename=best",
                "+callbacks.x.dirpath=${callbacks.checkpoint.dirpath}",
            ],
            r"must write files of their own, got best by callbacks.checkpoint and callbacks.x; set callb",
        ),
    ],
)
def test_callbacks_that_cannot_do_what_they_are_for_are_refused_before_anything_is_written(
    composed, tmp_path: Path, settings: list[str], line: str
) -> None:
    with pytest.raises(UsageError, match=line):
        train(*composed(*IRIS, *settings))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_steps_are_logged_where_they_are_asked_for(composed, tmp_path: Path) -> None:
    monitor = (f"+callbacks.x._target_={PREFIX}.LearningRateMonitor", "+callbacks.x.logging_interval=step")
    train(*composed(*IRIS, *monitor, "scheduler=onecycle", "trainer.log_every_n_steps=1"))
    with (tmp_path / "csv/metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["lr-SGD"]]
    assert [int(row["step"]) for row in rows] == list(range(12))


def test_an_average_by_swa_without_a_best_checkpoint_is_what_is_tested(composed, tmp_path: Path) -> None:
    swa = (f"+callbacks.swa._target_={PREFIX}.StochasticWeightAveraging", "+callbacks.swa.swa_lrs=0.5",
           "+callbacks.swa.swa_epoch_start=1", "callbacks.checkpoint=null")  # fmt: skip
    train(*composed(*IRIS, "trainer.max_epochs=4", *swa, folder="swa"))
    train(*composed(*IRIS, "trainer.max_epochs=4", "callbacks.checkpoint=null", folder="plain"))
    losses = [
        json.loads((tmp_path / name / "metrics.json").read_text(encoding="utf-8"))["test/loss"]
        for name in ("swa", "plain")
    ]
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)
    (last,) = (tmp_path / "swa").rglob("*.ckpt")
    assert last.name == "last.ckpt"
    assert _loss_of(composed, last) == pytest.approx(losses[0])


def test_an_exponential_average_is_what_is_validated_kept_and_tested(composed, tmp_path: Path) -> None:
    ema = (f"+callbacks.ema._target_={PREFIX}.EMAWeightAveraging", "+callbacks.ema.decay=0.5")
    train(*composed(*IRIS, *ema, "optimizer.lr=0.5", "optimizer.momentum=0.9", folder="ema"))
    train(*composed(*IRIS, "optimizer.lr=0.5", "optimizer.momentum=0.9", folder="plain"))
    contents = {name: read_checkpoint(tmp_path / name / "checkpoints/best.ckpt") for name in ("ema", "plain")}
    metrics = json.loads((tmp_path / "ema/metrics.json").read_text(encoding="utf-8"))
    best = json.loads((tmp_path / "ema/provenance.json").read_text(encoding="utf-8"))["best"]
    assert metrics["val/loss"] == pytest.approx(best["value"])
    weights: dict[str, Tensor] = contents["ema"]["state_dict"]
    assert not torch.equal(weights["network.0.weight"], contents["ema"]["current_model_state"]["network.0.weight"])
    # Standardisation is no weight: averaged, it would be rounded in every step.
    for name in ("standardize.mean", "standardize.scale"):
        assert torch.equal(weights[name], contents["plain"]["state_dict"][name])


def _loss_of(composed, checkpoint: Path) -> float:
    """Loss on test rows of the weights in a checkpoint."""
    cfg, chosen = composed(*IRIS, "train=false", f"ckpt_path={checkpoint}", folder="tested")
    train(cfg, chosen)
    loss: float = json.loads((Path(cfg.paths.output_dir) / "metrics.json").read_text(encoding="utf-8"))["test/loss"]
    return loss
