"""Record and draw the path of gradient descent on a parabola."""

import logging
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from perceptron.networks import Point

log = logging.getLogger(__name__)

_MOST_FRAMES = 24


class DescentFigure(L.Callback):
    """The path of a ``perceptron.networks.Point``, as a figure on TensorBoard and in the run's ``figures/``.

    Attributes:
        path: x before the first step and after each step.
    """

    def __init__(self) -> None:
        self.path: list[float] = []

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Record the start, unless the path continues that of a resumed run."""
        if not self.path:
            self.path = [_position(pl_module)]

    def on_train_batch_end(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Record a step."""
        self.path.append(_position(pl_module))

    @rank_zero_only
    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Draw the path."""
        # Here, because only this run needs matplotlib.
        from perceptron.plots.animation import save_gif
        from perceptron.plots.descent import draw_descent, has_diverged
        from perceptron.plots.image import save, to_image

        rate = trainer.optimizers[0].param_groups[0].get("lr")
        if has_diverged(self.path):
            log.warning(
                "the descent diverges: from x = %.4g to %.4g, away from the minimum at 0; lower optimizer.lr, for "
                "plain gradient descent below 1",
                self.path[0],
                self.path[-1],
            )
        figure = draw_descent(self.path, rate=rate)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("descent", to_image(figure), trainer.global_step, dataformats="HWC")
        if trainer.log_dir is not None:
            folder = Path(trainer.default_root_dir) / "figures"
            folder.mkdir(exist_ok=True)
            save(figure, folder, "descent")
            lengths = np.unique(np.linspace(1, len(self.path), _MOST_FRAMES).astype(int))
            save_gif((draw_descent(self.path, rate=rate, n_shown=int(n)) for n in lengths), folder, "descent")

    def state_dict(self) -> dict[str, list[float]]:
        """The path, for a checkpoint."""
        return {"path": self.path}

    def load_state_dict(self, state_dict: dict[str, list[float]]) -> None:
        """Continue the path of the run that is resumed."""
        self.path = list(state_dict["path"])


def _position(module: L.LightningModule) -> float:
    network = module.network
    if not isinstance(network, Point):
        raise TypeError(f"DescentFigure draws the path of a Point, got {type(network).__name__}")
    return network.x.item()
