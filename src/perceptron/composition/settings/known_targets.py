"""Targets that the checks and the builders tell apart. Imports nothing heavy."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from perceptron.composition.settings.schema.data_schema import DataConf
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


def is_table(data: Mapping[str, Any]) -> bool:
    """Whether the group ``data`` has the settings of this project's tables, which a user's data module has not."""
    return all(field.name in data for field in fields(DataConf))
