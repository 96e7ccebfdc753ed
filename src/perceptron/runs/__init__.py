"""What a run leaves in its folder."""

from perceptron.runs.last import LastCheckpoint

__all__ = ["LastCheckpoint"]
