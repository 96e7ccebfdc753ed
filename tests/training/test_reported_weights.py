"""The weights that a run reports are those that ModelCheckpoint calls the best."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from perceptron.composition.train import train
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.folder import Run, checkpoint_path

# A rate by which the loss on validation rows goes up and down.
UNSTEADY = ("data=iris", "model=softmax", "optimizer.lr=5", "logger=csv", "trainer.max_epochs=6")


def _val_losses(folder: Path) -> list[float]:
    """By epoch, as the logger heard them."""
    with (folder / "csv/metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [float(row["val/loss"]) for row in rows if row["val/loss"]]


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("settings", "considered", "n_files"),
    [
        ((), slice(None), 1),
        (("callbacks.checkpoint.save_top_k=3",), slice(None), 3),
        (("callbacks.checkpoint.save_top_k=-1",), slice(None), 6),
        (("callbacks.checkpoint.filename='{epoch}'",), slice(None), 1),
        (("callbacks.checkpoint.filename='{epoch}'", "callbacks.checkpoint.save_top_k=2"), slice(None), 2),
        (("+callbacks.checkpoint.every_n_epochs=2",), slice(1, None, 2), 1),
        (("+callbacks.checkpoint.save_on_exception=true",), slice(None), 1),
    ],
)
def test_the_best_is_what_model_checkpoint_says(
    composed, tmp_path: Path, settings: tuple[str, ...], considered: slice, n_files: int
) -> None:
    returned = train(*composed(*UNSTEADY, *settings))
    losses = _val_losses(tmp_path)
    best = min(losses[considered])
    # Otherwise the last would do.
    assert losses[-1] > best
    assert returned == pytest.approx(best)
    assert _read(tmp_path, "metrics.json")["val/loss"] == pytest.approx(best)
    origin = _read(tmp_path, "provenance.json")
    assert origin["best"]["value"] == pytest.approx(best)
    assert origin["training"]["kept_epoch"] == losses.index(best)
    path = checkpoint_path(Run(tmp_path), "best")
    assert read_checkpoint(path)["epoch"] == losses.index(best)
    assert len(list((tmp_path / "checkpoints").glob("*.ckpt"))) == n_files + 1


def test_of_several_rules_the_one_of_the_runs_own_metric_is_reported(composed, tmp_path: Path) -> None:
    by_accuracy = ("_target_=lightning.pytorch.callbacks.ModelCheckpoint", "monitor=val/acc", "mode=max",
                   "dirpath=${paths.output_dir}/checkpoints", "filename=acc")  # fmt: skip
    # It comes first.
    cfg, chosen = composed(*UNSTEADY, *(f"+callbacks.by_acc.{setting}" for setting in by_accuracy))
    cfg.callbacks = {"by_acc": cfg.callbacks.by_acc, **cfg.callbacks}
    returned = train(cfg, chosen)
    best = _read(tmp_path, "provenance.json")["best"]
    assert best == {"monitor": "val/loss", "mode": "min", "value": returned, "checkpoint": "checkpoints/best.ckpt"}
    assert returned == pytest.approx(min(_val_losses(tmp_path)))


def test_weights_kept_by_another_metric_are_reported_under_its_name(composed, tmp_path: Path) -> None:
    other = ("callbacks.checkpoint.monitor=val/acc", "callbacks.checkpoint.mode=max")
    returned = train(*composed(*UNSTEADY, *other))
    metrics, best = _read(tmp_path, "metrics.json"), _read(tmp_path, "provenance.json")["best"]
    assert (best["monitor"], best["mode"], best["value"]) == ("val/acc", "max", pytest.approx(metrics["val/acc"]))
    # A search follows the run's own metric.
    assert returned == metrics["val/loss"]


def test_a_run_with_other_file_names_can_be_used(composed, tmp_path: Path, perceptron) -> None:
    settings = ("model=binary_mlp", "model.threshold=auto", "optimizer.lr=2", "trainer.max_epochs=3", "logger=none",
                "callbacks.checkpoint.filename='{epoch}-kept'", "callbacks.checkpoint.save_top_k=2")  # fmt: skip
    folder = tmp_path / "0"
    train(*composed(*settings, folder="0"))
    train(*composed(*settings, "seed=1", folder="1"))
    answer = perceptron("evaluate", f"run={folder}", "output=-")
    assert json.loads(answer.out) == _read(folder, "metrics.json")
    assert perceptron("report", f"run={folder}").status == 0
    assert perceptron("ensemble", f"run={tmp_path}", f"output={tmp_path / 'together'}").status == 0
    assert perceptron("resume", f"run={folder}", "trainer.max_epochs=5").status == 0
    train(*composed(*settings, "trainer.max_epochs=5", folder="long"))
    assert _read(folder, "metrics.json") == _read(tmp_path / "long", "metrics.json")
    assert {path.name for path in folder.rglob("*.ckpt")} == {path.name for path in (tmp_path / "long").rglob("*.ckpt")}
