"""Lightning callbacks."""

from perceptron.callbacks.descent import DescentFigure
from perceptron.callbacks.history import History
from perceptron.callbacks.progress import EpochProgress

__all__ = ["DescentFigure", "EpochProgress", "History"]
