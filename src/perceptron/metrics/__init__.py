"""torchmetrics' metrics: the defaults of each kind of task, and subclasses where the stock definition misleads."""

from perceptron.metrics.balanced_accuracy import BalancedAccuracy
from perceptron.metrics.in_units import InUnits
from perceptron.metrics.log_loss import LogLoss
from perceptron.metrics.r2 import R2
from perceptron.metrics.ranking import Ranking
from perceptron.metrics.task import TaskMetrics

__all__ = ["R2", "BalancedAccuracy", "InUnits", "LogLoss", "Ranking", "TaskMetrics"]
