"""The schemas: dataclasses that say each setting's default and allowed values.

Those of parts say nothing of names and types, which are in the signatures of their targets.
"""

from perceptron.composition.settings.schema.registry import (
    SCHEMAS,
    constraints_of_target,
    defaults_of,
    defaults_of_target,
    register_schemas,
    root,
)
from perceptron.composition.settings.schema.root_schema import PathsConf, TrainConf
from perceptron.composition.settings.schema.trainer_schema import TrainerConf

__all__ = [
    "SCHEMAS",
    "PathsConf",
    "TrainConf",
    "TrainerConf",
    "constraints_of_target",
    "defaults_of",
    "defaults_of_target",
    "register_schemas",
    "root",
]
