"""The schemas by the names under which the files in ``conf`` take them. Imports nothing heavy."""

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

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
    OpenConf,
    OptimizerConf,
    PlateauConf,
    ScheduleConf,
    SGDConf,
)
from perceptron.composition.settings.schema.root_schema import PathsConf, TrainConf
from perceptron.composition.settings.schema.sweep_schema import (
    BasicSweeperConf,
    JoblibLauncherConf,
    OptunaSweeperConf,
    PopulationLauncherConf,
)
from perceptron.composition.settings.schema.trainer_schema import EarlyStoppingConf, ModelCheckpointConf, TrainerConf

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
# Constraints of other packages' classes by ``_target_``; their arguments and types are not listed here.
OPEN_SCHEMAS: dict[str, type] = {
    "lightning.pytorch.callbacks.EarlyStopping": EarlyStoppingConf,
    "lightning.pytorch.callbacks.ModelCheckpoint": ModelCheckpointConf,
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper": BasicSweeperConf,
    "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher": JoblibLauncherConf,
}


def register_schemas() -> None:
    """Make the schemas known to Hydra: the root's as ``schema/root``, a group's as ``/schema/<group>/<name>``."""
    store = ConfigStore.instance()
    root = OmegaConf.structured(TrainConf)
    OmegaConf.set_struct(root.extras, False)
    store.store(group="schema", name="root", node=root, package="_global_")
    for path, node in SCHEMAS.items():
        group, _, name = path.rpartition("/")
        store.store(group=f"schema/{group}", name=name, node=structured(node))


def structured(schema: type) -> DictConfig:
    """A schema as a configuration, in which a part whose signature tells its arguments takes any name."""
    flags = {"struct": False} if issubclass(schema, OpenConf) else None
    cfg: DictConfig = OmegaConf.structured(schema, flags=flags)
    return cfg
