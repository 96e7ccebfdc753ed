"""A Lightning callback that draws figures after every epoch."""

from typing import cast

import lightning as L
from lightning.pytorch.utilities import rank_zero_only

from perceptron.data import TableDataModule
from perceptron.figures.predictions import held_out_split, predict_split
from perceptron.models import TaskModule


class EpochFigures(L.Callback):
    """Logs figures of the predictions for validation rows, or training rows if there are none, to TensorBoard.

    Drawing takes longer than an epoch of a small network, so only runs with ``figures=epoch`` have this callback.
    """

    @rank_zero_only
    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Draw."""
        # Imported here, because it imports matplotlib.
        from perceptron.figures.run_figures import log_epoch_figures

        datamodule = cast(TableDataModule, trainer.datamodule)  # type: ignore[attr-defined]
        model = cast(TaskModule, pl_module)
        predictions = predict_split(model, datamodule, held_out_split(datamodule, tested=False))
        log_epoch_figures(trainer.loggers, model, predictions, step=trainer.global_step)
