"""What reaches the loggers, and under which step."""

import csv
import logging
from pathlib import Path

import lightning as L
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from sklearn.datasets import load_iris
from torch import nn

from perceptron.data import TableDataModule
from perceptron.models import MulticlassClassifier, Standardize

pytestmark = pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning")


def _logged(folder: Path) -> list[dict[str, str]]:
    """Rows of a CSVLogger, without what they leave empty."""
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return [{name: text for name, text in row.items() if text} for row in csv.DictReader(file)]


def _standardize(data: TableDataModule) -> Standardize:
    return Standardize(data.features_scaling.mean, data.features_scaling.scale)


class LogsSteps(MulticlassClassifier):
    """Logs something of its own at every step and after every epoch."""

    def training_step(self, batch: tuple[torch.Tensor, ...], batch_idx: int) -> torch.Tensor | None:
        self.log("own_step", float(batch_idx))
        self.log("own_epoch", float(batch_idx), on_step=False, on_epoch=True)
        return super().training_step(batch, batch_idx)

    def on_validation_epoch_end(self) -> None:
        self.log("val/own", 7.0)
        super().on_validation_epoch_end()


def _logs_steps(data: TableDataModule) -> LogsSteps:
    torch.manual_seed(0)
    return LogsSteps(network=nn.Linear(4, 3), standardize=_standardize(data))


def test_step_losses_are_logged_where_asked_for(build, fit, tmp_path) -> None:
    datamodule = TableDataModule(dataset=load_iris, batch_size=10)
    logger = CSVLogger(tmp_path)
    fit(build(datamodule), datamodule, max_epochs=1, logger=logger, log_every_n_steps=2)
    lines = [
        line.split(",")
        for line in (tmp_path / "lightning_logs/version_0/metrics.csv").read_text(encoding="utf-8").splitlines()
    ]
    column, step = lines[0].index("train/loss_step"), lines[0].index("step")
    assert [line[step] for line in lines[1:] if line[column]] == ["1", "3", "5", "7", "9"]


def test_what_is_logged_at_steps_in_vain_is_told_once(fit, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    with caplog.at_level(logging.WARNING):
        fit(_logs_steps(data), data, max_epochs=2, logger=CSVLogger(tmp_path))
    assert [text for text in caplog.messages if "own" in text] == [
        "own_step is logged at steps, and trainer.log_every_n_steps=0 keeps steps out of the loggers; set "
        "trainer.log_every_n_steps=1, or log it with on_step=False and on_epoch=True"
    ]


def test_an_epochs_metrics_stand_in_the_loggers_under_its_last_step(fit, tmp_path: Path) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    model = _logs_steps(data)
    trainer = fit(model, data, max_epochs=2, log_every_n_steps=5, logger=CSVLogger(tmp_path, name="", version=""))
    loaders = {split: data.eval_dataloader(split) for split in ("train", "test")}
    trainer.test(model, loaders, verbose=False)
    rows = _logged(tmp_path)
    of_steps = [row for row in rows if "train/loss_step" in row]
    assert [row["step"] for row in of_steps] == ["4", "9", "14", "19"]
    validated = [row for row in rows if "val/loss" in row]
    assert [(row["step"], row["epoch"], row["val/own"]) for row in validated] == [("9", "0", "7.0"), ("19", "1", "7.0")]
    trained = [row for row in rows if "train/loss" in row]
    assert [(row["step"], row["epoch"]) for row in trained] == [("9", "0"), ("19", "1")]
    # Of ten steps, the last of which has 7 rows.
    of_epoch = sum(step * 10 for step in range(9)) + 9 * 7
    assert [float(row["own_epoch"]) for row in trained] == [pytest.approx(of_epoch / 97)] * 2
    tested = [row for row in rows if "test/loss" in row]
    assert [row["step"] for row in tested] == ["20"]
    # What evaluates the training rows would end the curves of their epochs.
    assert [row["step"] for row in rows if "train/acc" in row] == ["9", "19"]
    assert not any("train/f1" in row for row in rows)
    assert trainer.callback_metrics.keys() >= {"train/f1", "test/f1"}


def test_the_evaluation_before_a_training_is_no_row_of_its_loggers(fit, tmp_path: Path) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    logger = CSVLogger(tmp_path, name="", version="")
    fit(_logs_steps(data), data, max_epochs=1, num_sanity_val_steps=1, logger=logger)
    assert [row["step"] for row in _logged(tmp_path) if "val/loss" in row] == ["9"]


def test_a_barebones_trainer_is_told_nothing(build) -> None:
    data = TableDataModule(dataset=load_iris, batch_size=10)
    model = build(data)
    trainer = L.Trainer(accelerator="cpu", barebones=True, max_epochs=1)
    trainer.fit(model, datamodule=data)
    assert trainer.callback_metrics == {}
