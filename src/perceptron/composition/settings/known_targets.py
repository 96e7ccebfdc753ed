"""Targets that the checks and the builders tell apart. Imports nothing heavy."""

from perceptron.tasks import BINARY, MULTICLASS, REGRESSION, Task

MODEL_TASKS: dict[str, Task] = {
    "perceptron.models.BinaryClassifier": BINARY,
    "perceptron.models.MulticlassClassifier": MULTICLASS,
    "perceptron.models.Regressor": REGRESSION,
}
# The base of these, which stands for the one that the data's task needs.
AUTO = "perceptron.models.TaskModule"
# Holds an estimator of scikit-learn in the place of a network.
ESTIMATOR = "perceptron.models.Estimator"
# Schedules whose length is part of their state.
FIXED_LENGTH_SCHEDULES = (
    "perceptron.models.schedules.cosine",
    "perceptron.models.schedules.onecycle",
    "torch.optim.lr_scheduler.OneCycleLR",
)
