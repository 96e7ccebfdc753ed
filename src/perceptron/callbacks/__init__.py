"""Lightning callbacks."""

from perceptron.callbacks.descent import DescentFigure
from perceptron.callbacks.history import History
from perceptron.callbacks.progress import EpochProgress
from perceptron.callbacks.pruning import PruneHopeless

__all__ = ["DescentFigure", "EpochProgress", "History", "PruneHopeless"]
