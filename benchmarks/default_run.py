"""A run as `python train.py` composes it, with every default on, and a clock in it."""

import io
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, ClassVar

import lightning as L
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.train import train


class FitClock(L.Callback):
    """Seconds of ``fit`` from its first step to its last checkpoint, without those of validation.

    Attributes:
        latest: the one that was made last, because Hydra makes it.
        seconds: of training.
        steps: of the optimizer.
    """

    latest: ClassVar["FitClock"]

    def __init__(self) -> None:
        FitClock.latest = self
        self.seconds = 0.0
        self.steps = 0
        self._started = 0.0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        self._started = time.perf_counter()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        self.seconds += time.perf_counter() - self._started

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        # What writes checkpoints comes after it, and counts.
        self._started = time.perf_counter()

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        self.seconds += time.perf_counter() - self._started
        self.steps = trainer.global_step


class Terminal(io.StringIO):
    """What progress bars take for a terminal."""

    def isatty(self) -> bool:
        return True


def composed(*overrides: str, folder: Path | str) -> tuple[DictConfig, dict[str, str]]:
    """Configuration and chosen options, as on the command line, with a clock among the callbacks."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        own = ["+callbacks.clock._target_=default_run.FitClock", f"paths.output_dir={folder}"]
        cfg = compose("train", overrides=[*overrides, *own], return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)
    chosen = dict(cfg.hydra.runtime.choices)
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg, chosen


def timed_fit(*overrides: str) -> FitClock:
    """The clock of a run by the project's own ``train``, on a terminal that nobody sees."""
    with tempfile.TemporaryDirectory() as folder, quiet_terminal():
        train(*composed(*overrides, folder=folder))
    return FitClock.latest


@contextmanager
def quiet_terminal() -> Iterator[Any]:
    """Standard output and error go nowhere, to something that says that it is a terminal."""
    printed, sys.stdout = sys.stdout, Terminal()
    try:
        with redirect_stderr(Terminal()) as stream:
            yield stream
    finally:
        sys.stdout = printed
