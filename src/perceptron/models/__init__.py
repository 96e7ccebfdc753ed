"""LightningModules, one per kind of task, and what they are made of."""

from perceptron.models.answers import Answers
from perceptron.models.binary import BinaryClassifier
from perceptron.models.ensemble import Ensemble, take_members
from perceptron.models.estimator import Estimator
from perceptron.models.evaluation import Prediction
from perceptron.models.multiclass import MulticlassClassifier
from perceptron.models.regression import Regressor
from perceptron.models.standardize import Standardize
from perceptron.models.task_module import TaskModule

__all__ = [
    "Answers",
    "BinaryClassifier",
    "Ensemble",
    "Estimator",
    "MulticlassClassifier",
    "Prediction",
    "Regressor",
    "Standardize",
    "TaskModule",
    "take_members",
]
