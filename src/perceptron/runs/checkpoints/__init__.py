"""Checkpoints: writing them, reading them without running code, and resuming from them to the same bits."""

from perceptron.runs.checkpoints.last_checkpoint import LastCheckpoint

__all__ = ["LastCheckpoint"]
