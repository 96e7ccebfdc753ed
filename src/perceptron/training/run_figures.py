"""Draw the figures of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L

from perceptron.callbacks import History
from perceptron.data import TableDataModule
from perceptron.figures.epoch_callback import EpochFigures
from perceptron.models import TaskModule


def figure_callbacks(figures: str) -> list[L.Callback]:
    """Callbacks that draw figures during training.

    Args:
        figures: ``end``, ``epoch`` or ``none``.
    """
    return [EpochFigures()] if figures == "epoch" else []


def draw_figures(
    config: Mapping[str, Any],
    trainer: L.Trainer,
    model: TaskModule,
    datamodule: TableDataModule,
    *,
    history: History,
    best_epoch: int | None,
) -> None:
    """Draw the figures of a run on its test rows, or the rows that are closest to new ones.

    Args:
        config: plain configuration.
        trainer: after the test.
        model: with the weights that are reported.
        datamodule: its data.
        history: of the training.
        best_epoch: epoch, from 0, that the weights are from; None for the last.
    """
    # Here, because they import matplotlib, and a run without figures needs none.
    from perceptron.figures.predictions import held_out_split
    from perceptron.figures.run_figures import write_figures
    from perceptron.figures.training_path import TrainingPath

    training = TrainingPath(
        curves={name: (list(values), list(values.values())) for name, values in history.curves.items()},
        snapshots=history.snapshots,
        best_epoch=best_epoch,
        seed=config["seed"],
    )
    write_figures(
        Path(config["paths"]["output_dir"]),
        trainer.loggers,
        model,
        datamodule,
        split=held_out_split(datamodule, tested=config["test"]),
        training=training,
        step=trainer.global_step,
    )
