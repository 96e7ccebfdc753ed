"""Types and allowed values of the groups ``trainer`` and ``callbacks``. Imports nothing heavy."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perceptron.composition.settings.schema.constraints import (
    AT_LEAST_0,
    AT_LEAST_1,
    COUNT_OR_ALL,
    COUNT_OR_NO_END,
    COUNT_OR_SHARE,
    DIRECTION,
    WHOLE_COUNT_OR_ALL,
    Constraint,
    number,
    one_of,
    setting,
)

_ACCELERATORS = ("auto", "cpu", "cuda", "gpu", "hpu", "mps", "tpu")
_PRECISIONS = (
    "16", "32", "64", "16-mixed", "16-true", "32-true", "64-true", "bf16", "bf16-mixed", "bf16-true",
    "transformer-engine", "transformer-engine-float16",
)  # fmt: skip
# Lightning's own processes return weights alone, which is no checkpoint of this project.
_STRATEGY = Constraint(
    "auto, ddp or another that starts its processes by the command line",
    lambda value: (
        value.get("start_method", "popen") == "popen"
        if isinstance(value, Mapping)
        else re.search("_(spawn|fork|notebook)", str(value)) is None
    ),
)
# torch crashes with very many.
_THREADS = Constraint(
    "a number from 1 to 1024, or auto",
    lambda value: value == "auto" or number(lambda threads: 1 <= threads <= 1024)(value),
)
_INTERVAL = Constraint(
    "above 0, or a time as DD:HH:MM:SS", lambda value: not isinstance(value, int | float) or value > 0
)


@dataclass
class TrainerConf:
    """Arguments of ``lightning.Trainer``, whose manual says what they mean, and ``num_threads``."""

    _target_: str = "lightning.Trainer"
    accelerator: str = setting("auto", one_of(*_ACCELERATORS))
    devices: Any = 1
    num_nodes: int = setting(1, AT_LEAST_1)
    strategy: Any = setting("auto", _STRATEGY)
    precision: Any = setting(None, one_of(*_PRECISIONS))
    max_epochs: int | None = setting(100, COUNT_OR_NO_END)
    min_epochs: int | None = setting(None, AT_LEAST_0)
    max_steps: int = setting(-1, COUNT_OR_NO_END)
    min_steps: int | None = setting(None, AT_LEAST_0)
    max_time: Any = None
    limit_train_batches: Any = setting(None, COUNT_OR_SHARE)
    limit_val_batches: Any = setting(None, COUNT_OR_SHARE)
    limit_test_batches: Any = setting(None, COUNT_OR_SHARE)
    limit_predict_batches: Any = setting(None, COUNT_OR_SHARE)
    overfit_batches: Any = setting(0, COUNT_OR_SHARE)
    val_check_interval: Any = setting(None, _INTERVAL)
    check_val_every_n_epoch: int | None = setting(1, AT_LEAST_1)
    num_sanity_val_steps: int = setting(0, COUNT_OR_ALL)
    # null: 0 for this project's models, which log epochs; 50, as in Lightning, for a user's.
    log_every_n_steps: int | None = setting(None, AT_LEAST_0)
    fast_dev_run: Any = False
    enable_checkpointing: bool | None = None
    enable_progress_bar: bool | None = None
    enable_model_summary: bool = False
    accumulate_grad_batches: int = setting(1, AT_LEAST_1)
    gradient_clip_val: float | None = setting(None, AT_LEAST_0)
    gradient_clip_algorithm: str | None = setting(None, one_of("norm", "value"))
    deterministic: Any = None
    benchmark: bool | None = None
    inference_mode: bool = True
    # This project's data modules share their rows out themselves; for a user's it is true unless it is typed.
    use_distributed_sampler: bool = False
    profiler: Any = None
    detect_anomaly: bool = False
    barebones: bool = False
    plugins: Any = None
    sync_batchnorm: bool = False
    reload_dataloaders_every_n_epochs: int = setting(0, AT_LEAST_0)
    default_root_dir: str | None = None
    enable_autolog_hparams: bool = True
    model_registry: str | None = None
    num_threads: Any = setting("auto", _THREADS)


@dataclass
class EarlyStoppingConf:
    """Constraints of ``lightning.pytorch.callbacks.EarlyStopping``."""

    patience: int = setting(3, AT_LEAST_0)
    mode: str | None = setting("min", DIRECTION)


@dataclass
class ModelCheckpointConf:
    """Constraints of ``lightning.pytorch.callbacks.ModelCheckpoint``."""

    save_top_k: int = setting(1, WHOLE_COUNT_OR_ALL)
    mode: str | None = setting("min", DIRECTION)
