"""Types of every setting: the dataclasses that Hydra checks values against. Imports nothing heavy.

A key that is no field here is no setting. ``MISSING`` fields are filled by the YAML files in ``conf/``; the ranges
that a type cannot say stand in ``perceptron.composition.settings.ranges``.
"""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


@dataclass
class DataConf:
    """Arguments of ``perceptron.data.TableDataModule``."""

    _target_: str = "perceptron.data.TableDataModule"
    dataset: dict[str, Any] = MISSING
    task: str = "auto"
    val_fraction: float = 0.15
    test_fraction: float = 0.2
    split_seed: int = 0
    folds: int | None = None
    fold: int | None = None
    standardize: str = "per_feature"
    batch_size: int | None = 32
    eval_batch_size: int = 4096
    block_size: int | None = None
    blocks_in_memory: int = 64
    # Texts, or what YAML makes of them, such as null and numbers.
    missing: list[Any] = field(default_factory=list)
    not_missing: list[Any] = field(default_factory=list)
    # A form such as %d/%m/%Y, or one for each column.
    date_format: Any = None
    missing_target: str = "refuse"
    class_weights: str = "none"
    sampling: str = "none"
    num_workers: int = 0
    # true, false, or auto.
    on_device: Any = "auto"
    seed: int = MISSING


@dataclass
class ArraysConf(DataConf):
    """Arguments of ``perceptron.data.table_from_arrays``."""

    _target_: str = "perceptron.data.table_from_arrays"
    dataset: dict[str, Any] = field(default_factory=dict)
    features: str = MISSING
    target: str = MISSING


@dataclass
class TableFilesConf(DataConf):
    """Arguments of ``perceptron.data.table_from_files``."""

    _target_: str = "perceptron.data.table_from_files"
    dataset: dict[str, Any] = field(default_factory=dict)
    path: str = MISSING
    # A column's name, or a list of names; and what YAML makes of one, such as the number 2021.
    target: Any = MISSING
    features: list[Any] | None = None
    exclude: list[Any] | None = None
    group: Any = None
    time: Any = None
    weight: Any = None
    test_path: str | None = None
    most_categories: int = 64


@dataclass
class MLPConf:
    """Arguments of ``perceptron.networks.MLP``."""

    _target_: str = "perceptron.networks.MLP"
    hidden: list[int] = field(default_factory=list)
    activation: str = "relu"
    dropout: float = 0.0
    categories: str = "one_hot"
    category_width: int | None = None


@dataclass
class TabMConf:
    """Arguments of ``perceptron.networks.TabM``."""

    _target_: str = "perceptron.networks.TabM"
    members: int = 32
    width: int = 512
    blocks: int | None = None
    dropout: float = 0.1
    embeddings: str = "none"


@dataclass
class ModelConf:
    """What every model has. ``network`` is any ``nn.Module`` that takes ``n_features`` and ``n_outputs``."""

    _target_: str = MISSING
    network: Any = MISSING


@dataclass
class BinaryConf(ModelConf):
    """Arguments of ``perceptron.models.BinaryClassifier``."""

    _target_: str = "perceptron.models.BinaryClassifier"
    # A number, or auto.
    threshold: Any = 0.5


@dataclass
class MulticlassConf(ModelConf):
    """Arguments of ``perceptron.models.MulticlassClassifier``."""

    _target_: str = "perceptron.models.MulticlassClassifier"
    label_smoothing: float = 0.0


@dataclass
class RegressionConf(ModelConf):
    """Arguments of ``perceptron.models.Regressor``."""

    _target_: str = "perceptron.models.Regressor"


@dataclass
class AutoConf(ModelConf):
    """The kind of ``perceptron.models.TaskModule`` that the data's task needs, with its own defaults."""

    _target_: str = "perceptron.models.TaskModule"
    # Of two classes: a number, or auto.
    threshold: Any = None


@dataclass
class EstimatorConf(ModelConf):
    """An estimator of scikit-learn: ``estimator._target_`` is its dotted name, the rest its arguments."""

    _target_: str = "perceptron.models.Estimator"
    network: Any = None
    estimator: dict[str, Any] = MISSING


@dataclass
class OptimizerConf:
    """What every optimizer has."""

    _target_: str = MISSING
    _partial_: bool = True
    lr: float = MISSING
    weight_decay: float = 0.0


@dataclass
class SGDConf(OptimizerConf):
    """Arguments of ``torch.optim.SGD``."""

    _target_: str = "torch.optim.SGD"
    momentum: float = 0.0
    nesterov: bool = False


@dataclass
class AdamConf(OptimizerConf):
    """Arguments of ``torch.optim.Adam`` and ``AdamW``."""

    _target_: str = "torch.optim.Adam"
    betas: list[float] = field(default_factory=lambda: [0.9, 0.999])
    eps: float = 1e-8


@dataclass
class ScheduleConf:
    """What every learning-rate schedule has; no ``_target_`` means a constant rate."""

    _target_: str | None = None
    _partial_: bool = True


@dataclass
class CosineConf(ScheduleConf):
    """Arguments of ``perceptron.models.schedules.cosine``."""

    _target_: str | None = "perceptron.models.schedules.cosine"
    min_lr: float = 0.0


@dataclass
class PlateauConf(ScheduleConf):
    """Arguments of ``perceptron.models.schedules.plateau``."""

    _target_: str | None = "perceptron.models.schedules.plateau"
    monitor: str = MISSING
    # min or max; null where the monitored metric's direction is not known, which no run starts with.
    mode: str | None = MISSING
    factor: float = 0.5
    patience: int = 5
    min_lr: float = 0.0


@dataclass
class OneCycleConf(ScheduleConf):
    """Arguments of ``perceptron.models.schedules.onecycle``."""

    _target_: str | None = "perceptron.models.schedules.onecycle"
    warmup_fraction: float = 0.3
    start_divisor: float = 25.0
    final_divisor: float = 1e4
    cycle_momentum: bool = False


@dataclass
class TrainerConf:
    """Arguments of ``lightning.Trainer``, whose manual says what they mean, and ``num_threads``."""

    _target_: str = "lightning.Trainer"
    accelerator: str = "auto"
    devices: Any = 1
    num_nodes: int = 1
    strategy: str = "auto"
    precision: Any = None
    max_epochs: int | None = 100
    min_epochs: int | None = None
    max_steps: int = -1
    min_steps: int | None = None
    max_time: Any = None
    limit_train_batches: Any = None
    limit_val_batches: Any = None
    limit_test_batches: Any = None
    limit_predict_batches: Any = None
    overfit_batches: Any = 0
    val_check_interval: Any = None
    check_val_every_n_epoch: int | None = 1
    num_sanity_val_steps: int = 0
    log_every_n_steps: int = 0
    fast_dev_run: Any = False
    enable_checkpointing: bool | None = None
    enable_progress_bar: bool | None = None
    enable_model_summary: bool = False
    accumulate_grad_batches: int = 1
    gradient_clip_val: float | None = None
    gradient_clip_algorithm: str | None = None
    deterministic: Any = None
    benchmark: bool | None = None
    inference_mode: bool = True
    use_distributed_sampler: bool = False
    profiler: Any = None
    detect_anomaly: bool = False
    barebones: bool = False
    plugins: Any = None
    sync_batchnorm: bool = False
    reload_dataloaders_every_n_epochs: int = 0
    default_root_dir: str | None = None
    num_threads: Any = "auto"


@dataclass
class PathsConf:
    """Where things lie."""

    log_dir: str = MISSING
    output_dir: str = MISSING


@dataclass
class TrainConf:
    """The root of the configuration."""

    task_name: str = "train"
    tags: list[str] = field(default_factory=list)
    train: bool = True
    test: bool = True
    figures: str = "end"
    compile: Any = False
    ckpt_path: str | None = None
    seed: int = 0
    monitor: str = MISSING
    mode: str | None = MISSING
    data: DataConf = MISSING
    model: ModelConf = MISSING
    optimizer: OptimizerConf = MISSING
    scheduler: ScheduleConf = MISSING
    trainer: TrainerConf = MISSING
    metrics: dict[str, Any] = field(default_factory=dict)
    callbacks: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] = field(default_factory=dict)
    paths: PathsConf = MISSING


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
    "optimizer/sgd": SGDConf,
    "optimizer/adam": AdamConf,
    "scheduler/none": ScheduleConf,
    "scheduler/cosine": CosineConf,
    "scheduler/plateau": PlateauConf,
    "scheduler/onecycle": OneCycleConf,
    "trainer/default": TrainerConf,
    "paths/default": PathsConf,
}


def register_schemas() -> None:
    """Make the types known to Hydra: the root's as ``schema/root``, a group's as ``/schema/<group>/<name>``."""
    store = ConfigStore.instance()
    store.store(group="schema", name="root", node=TrainConf, package="_global_")
    for path, node in SCHEMAS.items():
        group, _, name = path.rpartition("/")
        store.store(group=f"schema/{group}", name=name, node=node)
