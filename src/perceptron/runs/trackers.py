"""Trackers of experiments, MLflow and Weights & Biases: images, and the end of a run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning.pytorch.loggers import Logger, MLFlowLogger, WandbLogger


def log_tracked_image(logger: Logger, name: str, pixels: Any, step: int) -> None:
    """Log an image to a tracker; nothing for any other logger.

    Args:
        logger: of the run.
        name: such as ``figures/curves``.
        pixels: (height, width, channels) uint8.
        step: of the run.
    """
    if isinstance(logger, MLFlowLogger):
        logger.experiment.log_image(logger.run_id, pixels, artifact_file=f"{name}.png")
    elif isinstance(logger, WandbLogger):
        logger.log_image(name, [pixels], step=step)


@contextmanager
def finished_trackers() -> Iterator[None]:
    """End W&B's run with this one: it would log the next job of the process into the same run."""
    status = 1
    try:
        yield
        status = 0
    finally:
        wandb = sys.modules.get("wandb")
        if wandb is not None and wandb.run is not None:
            wandb.finish(exit_code=status)
