"""The schemas: dataclasses that say each setting's type and allowed values. A key that is no field is no setting."""

from perceptron.composition.settings.schema.model_schema import MLPConf, TabMConf
from perceptron.composition.settings.schema.optimizer_schema import OpenConf
from perceptron.composition.settings.schema.registry import OPEN_SCHEMAS, SCHEMAS, register_schemas, structured
from perceptron.composition.settings.schema.root_schema import TrainConf
from perceptron.composition.settings.schema.trainer_schema import TrainerConf

__all__ = [
    "OPEN_SCHEMAS",
    "SCHEMAS",
    "MLPConf",
    "OpenConf",
    "TabMConf",
    "TrainConf",
    "TrainerConf",
    "register_schemas",
    "structured",
]
