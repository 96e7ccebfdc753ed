"""Every flag of the Trainer does what Lightning's manual says; none breaks the run around it."""

import csv
import json
from pathlib import Path

import pytest
import torch

from perceptron.composition.settings.checks import check
from perceptron.composition.train import train
from perceptron.errors import UsageError

FLAGS = [
    "trainer.accumulate_grad_batches=2",
    "trainer.barebones=true",
    "trainer.benchmark=true",
    "trainer.check_val_every_n_epoch=2",
    "trainer.detect_anomaly=true",
    "trainer.deterministic=true",
    "trainer.enable_checkpointing=false",
    "trainer.enable_model_summary=true",
    "trainer.enable_progress_bar=false",
    "trainer.fast_dev_run=true",
    "trainer.gradient_clip_val=0.5",
    "trainer.inference_mode=false",
    "trainer.limit_test_batches=1",
    "trainer.limit_val_batches=1",
    "trainer.log_every_n_steps=3",
    "trainer.max_steps=5",
    "trainer.max_time=00:00:10:00",
    "trainer.min_epochs=1",
    "trainer.num_sanity_val_steps=1",
    "trainer.num_threads=2",
    "trainer.overfit_batches=2",
    "trainer.precision=bf16-mixed",
    "trainer.precision=64",
    "trainer.profiler=pytorch",
    "trainer.profiler=simple",
    "trainer.reload_dataloaders_every_n_epochs=1",
    "trainer.val_check_interval=0.5",
]


# PyTorch's profiler sees few steps; training ends before the first validation.
@pytest.mark.filterwarnings(r"ignore:.*PyTorch Profiler default schedule.*")
@pytest.mark.filterwarnings(r"ignore:.*Profiler clears events.*")
@pytest.mark.filterwarnings(r"ignore:.*could not find the monitored key.*")
@pytest.mark.parametrize("flag", FLAGS)
def test_a_run_with_the_flag_leaves_its_results(flag: str, composed, tmp_path: Path) -> None:
    cfg, chosen = composed("trainer.max_epochs=2", "model=binary_mlp", flag)
    check(cfg)
    train(cfg, chosen)
    assert "test/acc" in json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "typed",
    [
        "trainer.strategy=ddpp",
        "trainer.devices=0",
        "trainer.val_check_interval=1000",
        "trainer.profiler=simpel",
        "trainer.limit_val_batches=0.5",
        "trainer.limit_train_batches=0.01",
        "trainer.overfit_batches=0.01",
        "trainer.limit_train_batches=2 trainer.val_check_interval=3",
    ],
)
def test_what_lightning_refuses_is_one_line(typed: str, composed, tmp_path: Path) -> None:
    cfg, chosen = composed(*typed.split())
    check(cfg)
    with pytest.raises(UsageError) as caught:
        train(cfg, chosen)
    assert "\n" not in str(caught.value)
    assert "trainer" in str(caught.value)
    assert not (tmp_path / "config.yaml").exists()


def test_a_plateau_schedule_looks_where_there_is_a_new_value(composed, tmp_path: Path) -> None:
    settings = ("data=iris", "model=softmax", "scheduler=plateau", "scheduler.patience=0", "optimizer.lr=5")
    cfg, chosen = composed(*settings, "logger=csv", "trainer.max_epochs=8", "trainer.check_val_every_n_epoch=2")
    check(cfg)
    train(cfg, chosen)
    with (tmp_path / "csv/metrics.csv").open(newline="", encoding="utf-8") as file:
        losses = [float(row["val/loss"]) for row in csv.DictReader(file) if row["val/loss"]]
    assert len(losses) == 4
    schedule = torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)["lr_schedulers"][0]
    worse = sum(loss >= min(losses[:i]) * (1 - 1e-4) for i, loss in enumerate(losses) if i)
    assert worse > 0
    assert schedule["last_epoch"] == 4
    assert schedule["_last_lr"] == pytest.approx([5 * 0.5**worse])
