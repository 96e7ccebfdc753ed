"""Figures after every validation, for those who want to see them move."""

from typing import cast

import lightning as L
from lightning.pytorch.utilities import rank_zero_only

from perceptron.data import TableDataModule
from perceptron.figures.predictions import held_out_split, predict_split
from perceptron.models import TaskModule


class EpochFigures(L.Callback):
    """What the model says of the validation rows (training rows where there are none), on TensorBoard.

    Drawing takes longer than an epoch of a small network, so a run has this only where it asks for it.
    """

    @rank_zero_only
    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Draw."""
        # Here, because only such runs draw in training.
        from perceptron.figures.run_figures import log_epoch_figures

        datamodule = cast(TableDataModule, trainer.datamodule)  # type: ignore[attr-defined]
        model = cast(TaskModule, pl_module)
        answers = predict_split(model, datamodule, held_out_split(datamodule, tested=False))
        log_epoch_figures(trainer.loggers, model, answers, step=trainer.global_step)
