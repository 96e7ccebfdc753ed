"""Keep the metrics of each epoch and snapshots of the weights in memory, for the figures of a training."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import Logger
from torch import Tensor
from torch.nn.utils import parameters_to_vector

MOST_SNAPSHOTS = 100
# Snapshots travel in every checkpoint: a megabyte of float32.
MOST_VALUES = 2**18
KEY = "history"


class WeightPath:
    """Snapshots of a model's weights before the first and after every n-th epoch.

    There are at most ``MOST_SNAPSHOTS`` snapshots of at most ``MOST_VALUES`` values together: where they would be
    more, every second one is dropped and n is doubled. A network so large that not even three would fit has none.

    Attributes:
        snapshots: weights end to end, ``(n_weights,)`` float32, by the number of epochs that led to them.
        every: n.
    """

    def __init__(self) -> None:
        self.snapshots: dict[int, Tensor] = {}
        self.every = 1

    def extend(self, n_epochs: int, weights: Callable[[], Tensor]) -> None:
        """Take a snapshot, if one is due.

        Args:
            n_epochs: behind the training.
            weights: gives the present ones, ``(n_weights,)``, on any device.
        """
        if n_epochs % self.every:
            return
        present = weights().detach().to("cpu", torch.float32, copy=True)
        most = min(MOST_SNAPSHOTS, MOST_VALUES // max(len(present), 1))
        if most < 3:
            return
        self.snapshots[n_epochs] = present
        if len(self.snapshots) > most:
            self.every *= 2
            self.snapshots = {epoch: kept for epoch, kept in self.snapshots.items() if epoch % self.every == 0}


class History(L.Callback):
    """Metrics after each epoch, and snapshots of the weights.

    Checkpoints store all of it, so that a resumed run has the history from its start.

    Attributes:
        curves: values by epoch, by names like ``val/acc``.

    Args:
        takes_snapshots: whether to keep weights at all.
    """

    def __init__(self, *, takes_snapshots: bool = True) -> None:
        self._takes_snapshots = takes_snapshots
        self._path = WeightPath()
        self.curves: dict[str, dict[int, float]] = {}

    @property
    def snapshots(self) -> Mapping[int, Tensor]:
        """See ``WeightPath``."""
        return self._path.snapshots

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Add a logger that records the metrics: a callback's own hook runs before the module logs its epoch."""
        if stage == "fit" and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.loggers = [*trainer.loggers, _Recorder(self.curves)]

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:  # noqa: ARG002
        """Remove the logger."""
        trainer.loggers = [logger for logger in trainer.loggers if not isinstance(logger, _Recorder)]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take the weights before the first epoch."""
        if not self.snapshots:
            self._take(trainer.current_epoch, pl_module)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take the weights after an epoch."""
        self._take(trainer.current_epoch + 1, pl_module)

    def on_save_checkpoint(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Store curves and snapshots as tensors."""
        checkpoint[KEY] = stored_history(self.curves, self.snapshots, every=self._path.every)

    def on_load_checkpoint(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Continue the history of the run that is resumed, where it has one."""
        stored = checkpoint.get(KEY)
        if stored is None:
            return
        # In place: the recorder writes to the same dict.
        self.curves.clear()
        for name, (epochs, values) in stored["curves"].items():
            self.curves[name] = dict(zip(epochs.tolist(), values.tolist(), strict=True))
        self._path.snapshots = stored_snapshots(checkpoint)
        self._path.every = stored["every"]

    def _take(self, n_epochs: int, module: L.LightningModule) -> None:
        if self._takes_snapshots:
            with torch.no_grad():
                self._path.extend(n_epochs, lambda: parameters_to_vector(module.parameters()))


class _Recorder(Logger):
    """Records the metrics of epochs; nothing else that is logged has an epoch."""

    def __init__(self, curves: dict[str, dict[int, float]]) -> None:
        super().__init__()
        self._curves = curves

    @property
    def name(self) -> str:
        return "history"

    @property
    def version(self) -> str:
        return ""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:  # noqa: ARG002
        epoch = metrics.get("epoch")
        if epoch is None:
            return
        for name, value in metrics.items():
            if name.startswith(("train/", "val/")) and not name.endswith("_step"):
                self._curves.setdefault(name, {})[int(epoch)] = float(value)

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        pass


def stored_history(
    curves: Mapping[str, Mapping[int, float]], snapshots: Mapping[int, Tensor] = MappingProxyType({}), *, every: int = 1
) -> dict[str, Any]:
    """The history of a training as a checkpoint holds it.

    Args:
        curves: values by epoch, by names like ``val/acc``.
        snapshots: weights ``(n_weights,)`` by the number of epochs that led to them.
        every: after how many epochs a snapshot is taken.
    """
    return {
        "curves": {name: _as_tensors(values) for name, values in curves.items()},
        "epochs": list(snapshots),
        "weights": torch.stack(list(snapshots.values())) if snapshots else torch.zeros(0),
        "every": every,
    }


def stored_snapshots(checkpoint: Mapping[str, Any]) -> dict[int, Tensor]:
    """The snapshots of the weights in the contents of a checkpoint, see ``WeightPath``; empty where it has none."""
    stored = checkpoint.get(KEY)
    return {} if stored is None else dict(zip(stored["epochs"], stored["weights"], strict=True))


def _as_tensors(values: Mapping[int, float]) -> tuple[Tensor, Tensor]:
    return torch.tensor(list(values), dtype=torch.int64), torch.tensor(list(values.values()), dtype=torch.float64)
