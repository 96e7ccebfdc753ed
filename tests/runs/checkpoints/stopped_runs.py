"""Runs that the tests of exact resume stop, and what they compare."""

from pathlib import Path
from typing import Any

import lightning as L
import torch
from hydra import compose, initialize_config_dir

from perceptron.composition import train as training
from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.runs.checkpoints.checkpoint_file import read_checkpoint
from perceptron.runs.folder import Run

BASE = ("model=digits_mlp", "data=wine", "model.network.hidden=[8]", "model.network.dropout=0.3", "data.batch_size=16",
        "trainer.max_epochs=5", "trainer.accelerator=cpu", "logger=none")  # fmt: skip


class Killed(BaseException):
    """What no part of the program catches."""


class Kill(L.Callback):
    """Ends training behind so many batches."""

    def __init__(self) -> None:
        self.left = -1

    def on_train_batch_end(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.end()

    def end(self) -> None:
        raise Killed


def train_in(folder: Path, *settings: str) -> Path:
    folder.mkdir()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        cfg = compose("train", overrides=[*BASE, *settings, f"paths.output_dir={folder}"])
    training.train(cfg, {})
    return folder


def results_of(folder: Path) -> dict[str, Any]:
    left: dict[str, Any] = {"metrics": Run(folder).metrics}
    for name in ("best", "last"):
        checkpoint = read_checkpoint(folder / "checkpoints" / f"{name}.ckpt")
        for key in ("state_dict", "optimizer_states", "lr_schedulers", "global_step"):
            left[f"{name} {key}"] = checkpoint[key]
    return left


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".log"}
