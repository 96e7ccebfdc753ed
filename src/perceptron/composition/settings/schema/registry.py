"""The schemas by the names under which the files in ``conf`` take them. Imports nothing heavy."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import fields
from functools import cache
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.schema.constraints import Constraint, constraints_of
from perceptron.composition.settings.schema.data_schema import ArraysConf, DataConf, TableFilesConf
from perceptron.composition.settings.schema.model_schema import (
    AutoConf,
    BinaryConf,
    EstimatorConf,
    MLPConf,
    MulticlassConf,
    RegressionConf,
    TabMConf,
)
from perceptron.composition.settings.schema.optimizer_schema import (
    AdamConf,
    CosineConf,
    OneCycleConf,
    OptimizerConf,
    PlateauConf,
    ScheduleConf,
    SGDConf,
    TorchScheduleConf,
)
from perceptron.composition.settings.schema.root_schema import PathsConf, TrainConf
from perceptron.composition.settings.schema.sweep_schema import (
    BasicSweeperConf,
    JoblibLauncherConf,
    OptunaSweeperConf,
    PopulationLauncherConf,
)
from perceptron.composition.settings.schema.trainer_schema import EarlyStoppingConf, ModelCheckpointConf, TrainerConf


def _target(schema: type) -> Any:
    return next((each.default for each in fields(schema) if each.name == "_target_"), None)


SCHEMAS: dict[str, type] = {
    "data/table": DataConf,
    "data/files": TableFilesConf,
    "data/arrays": ArraysConf,
    "model/binary": BinaryConf,
    "model/multiclass": MulticlassConf,
    "model/regression": RegressionConf,
    "model/auto": AutoConf,
    "model/estimator": EstimatorConf,
    "network/mlp": MLPConf,
    "network/tabm": TabMConf,
    "optimizer/any": OptimizerConf,
    "optimizer/sgd": SGDConf,
    "optimizer/adam": AdamConf,
    "scheduler/none": ScheduleConf,
    "scheduler/cosine": CosineConf,
    "scheduler/plateau": PlateauConf,
    "scheduler/onecycle": OneCycleConf,
    "trainer/default": TrainerConf,
    "paths/default": PathsConf,
    "launcher/population": PopulationLauncherConf,
    "sweeper/optuna": OptunaSweeperConf,
}
# Constraints of the arguments of classes, and of those derived from them, by ``_target_``.
_CONSTRAINTS: dict[str, type] = {
    **{_target(schema): schema for schema in SCHEMAS.values() if _target(schema)},
    "torch.optim.AdamW": AdamConf,
    "torch.optim.Optimizer": OptimizerConf,
    "torch.optim.lr_scheduler.LRScheduler": TorchScheduleConf,
    "lightning.pytorch.callbacks.EarlyStopping": EarlyStoppingConf,
    "lightning.pytorch.callbacks.ModelCheckpoint": ModelCheckpointConf,
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper": BasicSweeperConf,
    "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher": JoblibLauncherConf,
}


def constraints_of_target(target: str, bases: Sequence[str] = ()) -> dict[str, Constraint]:
    """Constraint of each argument of a class that has one.

    Args:
        target: the class.
        bases: classes that it is derived from, the nearest first.
    """
    schemas = [_CONSTRAINTS[name] for name in (*reversed(bases), target) if name in _CONSTRAINTS]
    return {name: each for schema in schemas for name, each in constraints_of(schema).items()}


def defaults_of(schema: type) -> dict[str, Any]:
    """Default of each setting of a schema; ``???`` for those without."""
    return deepcopy(_defaults_of(schema))


@cache
def _defaults_of(schema: type) -> dict[str, Any]:
    # A twentieth of a sweep of 64, if it is done again for each job.
    values: Any = OmegaConf.to_container(OmegaConf.structured(schema), resolve=False)
    return values  # type: ignore[no-any-return]


def defaults_of_target(target: Any) -> dict[str, Any]:
    """Defaults of the schema of a class; empty where it has none."""
    schema = next((each for each in SCHEMAS.values() if target is not None and _target(each) == target), None)
    return {} if schema is None else defaults_of(schema)


def register_schemas() -> None:
    """Make the schemas known to Hydra: the root's as ``schema/root``, a group's as ``/schema/<group>/<name>``."""
    store = ConfigStore.instance()
    store.store(group="schema", name="root", node=root(), package="_global_")
    for path, schema in SCHEMAS.items():
        group, _, name = path.rpartition("/")
        is_part = group not in ("paths", "launcher", "sweeper")
        store.store(group=f"schema/{group}", name=name, node=defaults_of(schema) if is_part else schema)


def root() -> DictConfig:
    """The root of a configuration, whose parts take any setting: the signatures of their targets are their schemas."""
    cfg: DictConfig = OmegaConf.structured(TrainConf)
    for field in fields(TrainConf):
        if field.type == dict[str, Any]:
            OmegaConf.set_struct(cfg[field.name], False)
    return cfg
