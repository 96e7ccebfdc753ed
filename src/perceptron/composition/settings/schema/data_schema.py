"""Types and allowed values of the group ``data``. Imports nothing heavy."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from perceptron.composition.settings.schema.constraints import (
    AT_LEAST_0,
    AT_LEAST_1,
    AT_LEAST_2,
    DATE_FORMS,
    SEED,
    SHARE,
    TRUE_FALSE_OR_AUTO,
    one_of,
    setting,
)
from perceptron.tasks import TASKS


@dataclass
class DataConf:
    """Arguments of ``perceptron.data.TableDataModule``."""

    _target_: str = "perceptron.data.TableDataModule"
    dataset: dict[str, Any] = MISSING
    task: str = setting("auto", one_of("auto", *TASKS))
    val_fraction: float = setting(0.15, SHARE)
    test_fraction: float = setting(0.2, SHARE)
    split_seed: int = setting(0, SEED)
    folds: int | None = setting(None, AT_LEAST_2)
    fold: int | None = setting(None, AT_LEAST_0)
    standardize: str = setting("per_feature", one_of("per_feature", "global", "none"))
    batch_size: int | None = setting(32, AT_LEAST_1)
    eval_batch_size: int = setting(4096, AT_LEAST_1)
    block_size: int | None = setting(None, AT_LEAST_1)
    blocks_in_memory: int = setting(64, AT_LEAST_1)
    # Texts, or what YAML makes of them, such as null and numbers.
    missing: list[Any] = field(default_factory=list)
    not_missing: list[Any] = field(default_factory=list)
    # A form such as %d/%m/%Y, or one for each column.
    date_format: Any = setting(None, DATE_FORMS)
    missing_target: str = setting("refuse", one_of("refuse", "drop"))
    class_weights: str = setting("none", one_of("none", "balanced"))
    sampling: str = setting("none", one_of("none", "balanced"))
    num_workers: int = setting(0, AT_LEAST_0)
    # true, false, or auto.
    on_device: Any = setting("auto", TRUE_FALSE_OR_AUTO)
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
    most_categories: int = setting(64, AT_LEAST_1)
