"""Draw the figures of a run."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from perceptron.callbacks import History
from perceptron.data import TableDataModule
from perceptron.errors import StoppedError
from perceptron.figures.drawing_process import DrawingProcess, is_worth_a_process
from perceptron.figures.epoch_callback import EpochFigures
from perceptron.models import TaskModule


def figure_callbacks(figures: str, *, helped: bool) -> list[L.Callback]:
    """Callbacks that draw figures during training, or prepare to.

    Args:
        figures: ``end``, ``epoch`` or ``none``.
        helped: whether a second process may draw; not in a sweep, whose jobs use the cores themselves.
    """
    helpers = [FigureHelper()] if figures != "none" and helped and is_worth_a_process() else []
    return [*helpers, *([EpochFigures()] if figures == "epoch" else [])]


class FigureHelper(L.Callback):
    """Starts the process that helps to draw, early enough that it has imported matplotlib when training ends.

    Attributes:
        process: None before it is started, and after it has ended.
    """

    # It does not count batches: one may hold several steps.
    takes_groups = True

    def __init__(self) -> None:
        self.process: DrawingProcess | None = None

    @rank_zero_only
    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Start it."""
        # A machine that cannot start another process can still draw.
        with suppress(OSError):
            self.process = DrawingProcess()

    def on_exception(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,  # noqa: ARG002
        exception: BaseException,  # noqa: ARG002
    ) -> None:
        """End it."""
        self.close()

    def close(self) -> None:
        """End it, if it was started."""
        process, self.process = self.process, None
        if process is not None:
            process.close()


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
    helpers = [callback for callback in trainer.callbacks if isinstance(callback, FigureHelper)]  # type: ignore[attr-defined]
    try:
        draw_trained(
            config,
            trainer.loggers,
            model,
            datamodule,
            curves=history.curves,
            snapshots=history.snapshots,
            best_epoch=best_epoch,
            step=trainer.global_step,
            helper=helpers[0].process if helpers else None,
        )
    finally:
        for helper in helpers:
            helper.close()


def draw_trained(
    config: Mapping[str, Any],
    loggers: Sequence[Logger],
    model: TaskModule,
    datamodule: TableDataModule,
    *,
    curves: Mapping[str, Mapping[int, float]],
    snapshots: Mapping[int, Tensor],
    best_epoch: int | None,
    step: int,
    helper: DrawingProcess | None = None,
) -> None:
    """Draw the figures of a model that was trained by whatever trainer; see ``draw_figures``.

    Args:
        config: plain configuration.
        loggers: of the run, which get images.
        model: with the weights that are reported.
        datamodule: its data.
        curves: values by epoch, by names like ``val/acc``.
        snapshots: weights ``(n_weights,)`` by the number of epochs that led to them.
        best_epoch: epoch, from 0, that the weights are from; None for the last.
        step: the run's last optimizer step.
        helper: draws figures at the same time as this process.
    """
    # Here, because they import matplotlib, and a run without figures needs none.
    from perceptron.figures.predictions import held_out_split
    from perceptron.figures.run_figures import write_figures
    from perceptron.figures.training_path import TrainingPath

    folder = Path(config["paths"]["output_dir"])
    path = TrainingPath(curves=_curves(curves), snapshots=snapshots, best_epoch=best_epoch, seed=config["seed"])
    split = held_out_split(datamodule, tested=config["test"])
    write_figures(folder, loggers, model, datamodule, split=split, training=path, step=step, helper=helper)


@contextmanager
def all_or_none(folder: Path) -> Iterator[None]:
    """Remove the figures of a run that are drawn inside, if the program is stopped; those that it had stay.

    A part of them would look like all.
    """
    had_some = (folder / "figures").exists()
    try:
        yield
    except StoppedError:
        if not had_some:
            shutil.rmtree(folder / "figures", ignore_errors=True)
        raise


def draw_curves_alone(
    folder: Path,
    curves: Mapping[str, Mapping[int, float]],
    loggers: Sequence[Logger] = (),
    *,
    best_epoch: int | None,
    step: int = 0,
) -> bool:
    """Draw the curves of a training of whose model or data no more is known; return whether it has any.

    Args:
        folder: of the run.
        curves: values by epoch, by names like ``val/acc``.
        loggers: of the run, which get images.
        best_epoch: epoch, from 0, that the weights are from; None for the last.
        step: of the images.
    """
    if curves:
        from perceptron.figures.run_figures import write_curves

        write_curves(folder, loggers, _curves(curves), best_epoch=best_epoch, step=step)
    return bool(curves)


def _curves(curves: Mapping[str, Mapping[int, float]]) -> dict[str, tuple[list[int], list[float]]]:
    return {name: (list(values), list(values.values())) for name, values in curves.items()}
