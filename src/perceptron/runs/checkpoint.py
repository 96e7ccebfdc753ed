"""Checkpoints that hold all that is needed to use them, in plain values."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
import torch

from perceptron.data import TableSchema
from perceptron.errors import UsageError

KEY = "perceptron"


class SelfContained(L.Callback):
    """Puts the plain configuration and the meaning of the columns into every checkpoint, under ``perceptron``.

    Args:
        config: plain values only, so that the checkpoint loads with ``weights_only=True``.
        schema: what the columns mean.
    """

    def __init__(self, *, config: Mapping[str, Any], schema: TableSchema) -> None:
        self.contents = {"config": dict(config), "schema": asdict(schema)}

    def on_save_checkpoint(
        self,
        trainer: L.Trainer,  # noqa: ARG002
        pl_module: L.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Add them."""
        self.add_to(checkpoint)

    def add_to(self, checkpoint: dict[str, Any]) -> None:
        """Add them to a checkpoint that no trainer writes."""
        checkpoint[KEY] = self.contents


def load_weights(model: L.LightningModule, path: str | Path) -> None:
    """Load the model's state from a checkpoint.

    Raises:
        UsageError: where the file is no checkpoint of such a model.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(checkpoint["state_dict"])
    except (OSError, RuntimeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"ckpt_path must be a checkpoint of this model, got {path}: {reason}") from error
