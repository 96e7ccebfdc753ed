"""Lightning callbacks."""

from perceptron.callbacks.compiling import CompiledSteps
from perceptron.callbacks.descent import DescentFigure
from perceptron.callbacks.epoch_clock import EpochClock
from perceptron.callbacks.epoch_lines import EpochLines
from perceptron.callbacks.epoch_seeds import EpochSeeds
from perceptron.callbacks.finite_metric import FiniteMetric
from perceptron.callbacks.history import History
from perceptron.callbacks.progress import EpochBar, EpochProgress
from perceptron.callbacks.pruning import PruneHopeless
from perceptron.callbacks.step_overhead import NoProfiler, leave_out_empty_hooks

__all__ = [
    "CompiledSteps",
    "DescentFigure",
    "EpochBar",
    "EpochClock",
    "EpochLines",
    "EpochProgress",
    "EpochSeeds",
    "FiniteMetric",
    "History",
    "NoProfiler",
    "PruneHopeless",
    "leave_out_empty_hooks",
]
