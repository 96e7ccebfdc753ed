"""Metrics in torchmetrics' form: subclasses where the stock definition misleads, and what each kind of task reports."""

from perceptron.metrics.balanced_accuracy import BalancedAccuracy
from perceptron.metrics.log_loss import LogLoss
from perceptron.metrics.r2 import R2
from perceptron.metrics.ranking import Ranking
from perceptron.metrics.task import TaskMetrics

__all__ = ["R2", "BalancedAccuracy", "LogLoss", "Ranking", "TaskMetrics"]
