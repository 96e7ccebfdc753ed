"""What the configuration alone tells to be wrong: one rule, one value, one fix. Imports nothing heavy."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.spelling import did_you_mean
from perceptron.errors import UsageError
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION, TASKS, Task, direction_of, logged_names

MODEL_TASKS: dict[str, Task] = {
    "perceptron.models.BinaryClassifier": BINARY,
    "perceptron.models.MulticlassClassifier": MULTICLASS,
    "perceptron.models.Regressor": REGRESSION,
}
_ACTIVATIONS = ("gelu", "relu", "sigmoid", "silu", "tanh")
_ACCELERATORS = ("auto", "cpu", "cuda", "gpu", "hpu", "mps", "tpu")
_PRECISIONS = (
    "16", "32", "64", "16-mixed", "16-true", "32-true", "64-true", "bf16", "bf16-mixed", "bf16-true",
    "transformer-engine", "transformer-engine-float16",
)  # fmt: skip
_DATASET = re.compile(r"sklearn\.datasets\.(\w+)")


@dataclass(frozen=True)
class Range:
    """What a value must be.

    Attributes:
        rule: in words, to stand behind "must be".
        holds: whether a value obeys it. None is never asked about.
    """

    rule: str
    holds: Callable[[Any], bool]


def _number(holds: Callable[[float], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and holds(value)


_AT_LEAST_0 = Range("at least 0", _number(lambda value: 0 <= value < float("inf")))
_AT_LEAST_1 = Range("at least 1", _number(lambda value: value >= 1))
_ABOVE_0 = Range("above 0", _number(lambda value: 0 < value < float("inf")))
_SHARE = Range("in [0, 1)", _number(lambda value: 0 <= value < 1))
_OPEN_SHARE = Range("in (0, 1)", _number(lambda value: 0 < value < 1))
_COUNT_OR_SHARE = Range(
    "a number of batches of at least 0 or a share in [0, 1]",
    _number(lambda value: value >= 0 and (isinstance(value, int) or value <= 1)),
)


def _one_of(names: tuple[str, ...]) -> Range:
    return Range(f"one of {', '.join(names)}", lambda value: str(value) in names)


_RANGES: dict[str, Range] = {
    "task_name": Range(
        "a folder's name of letters, digits, _, - and .",
        lambda value: re.fullmatch(r"\w[\w.-]*", str(value)) is not None,
    ),
    "seed": Range("from 0 to 2**32 - 1", _number(lambda value: 0 <= value < 2**32)),
    "mode": _one_of(("min", "max")),
    "figures": _one_of(("end", "epoch", "none")),
    "compile": Range("one of false, true, reduce-overhead", lambda value: value in (False, True, "reduce-overhead")),
    "data.task": _one_of(("auto", *TASKS)),
    "data.val_fraction": _SHARE,
    "data.test_fraction": _SHARE,
    "data.split_seed": Range("from 0 to 2**32 - 1", _number(lambda value: 0 <= value < 2**32)),
    "data.folds": Range("at least 2", _number(lambda value: value >= 2)),
    "data.fold": _AT_LEAST_0,
    "data.standardize": _one_of(("per_feature", "global", "none")),
    "data.batch_size": _AT_LEAST_1,
    "data.eval_batch_size": _AT_LEAST_1,
    "data.block_size": _AT_LEAST_1,
    "data.blocks_in_memory": _AT_LEAST_1,
    "data.class_weights": _one_of(("none", "balanced")),
    "data.sampling": _one_of(("none", "balanced")),
    "data.num_workers": _AT_LEAST_0,
    "data.on_device": Range("one of auto, true, false", lambda value: value == "auto" or isinstance(value, bool)),
    "model.threshold": Range("in (0, 1), or auto", lambda value: value == "auto" or _OPEN_SHARE.holds(value)),
    "model.label_smoothing": _SHARE,
    "model.network.hidden": Range(
        "a list of widths of at least 1",
        lambda value: all(isinstance(width, int) and width >= 1 for width in value),
    ),
    "model.network.activation": _one_of(_ACTIVATIONS),
    "model.network.dropout": _SHARE,
    "model.network.members": _AT_LEAST_1,
    "model.network.width": _AT_LEAST_1,
    "model.network.blocks": _AT_LEAST_1,
    "model.network.embeddings": _one_of(("none", "linear", "periodic", "piecewise_linear")),
    "model.network.categories": _one_of(("one_hot", "embedding")),
    "model.network.category_width": _AT_LEAST_1,
    "data.most_categories": _AT_LEAST_1,
    "optimizer.lr": _ABOVE_0,
    "optimizer.weight_decay": _AT_LEAST_0,
    "optimizer.momentum": _SHARE,
    "optimizer.betas": Range(
        "two numbers in [0, 1)", lambda value: len(value) == 2 and all(0 <= beta < 1 for beta in value)
    ),
    "optimizer.eps": _ABOVE_0,
    "scheduler.mode": _one_of(("min", "max")),
    "scheduler.min_lr": _AT_LEAST_0,
    "scheduler.factor": _OPEN_SHARE,
    "scheduler.patience": _AT_LEAST_0,
    "scheduler.warmup_fraction": _SHARE,
    "scheduler.start_divisor": _AT_LEAST_1,
    "scheduler.final_divisor": _AT_LEAST_1,
    "trainer.accelerator": _one_of(_ACCELERATORS),
    "trainer.precision": _one_of(_PRECISIONS),
    "trainer.num_nodes": _AT_LEAST_1,
    "trainer.max_epochs": Range(
        "at least 1, or -1 for no end", _number(lambda value: value >= 1 or value == -1)
    ),
    "trainer.min_epochs": _AT_LEAST_0,
    "trainer.max_steps": Range(
        "at least 1, or -1 for no end", _number(lambda value: value >= 1 or value == -1)
    ),
    "trainer.min_steps": _AT_LEAST_0,
    "trainer.limit_train_batches": _COUNT_OR_SHARE,
    "trainer.limit_val_batches": _COUNT_OR_SHARE,
    "trainer.limit_test_batches": _COUNT_OR_SHARE,
    "trainer.limit_predict_batches": _COUNT_OR_SHARE,
    "trainer.overfit_batches": _COUNT_OR_SHARE,
    "trainer.check_val_every_n_epoch": _AT_LEAST_1,
    "trainer.num_sanity_val_steps": Range("at least 0, or -1 for all", _number(lambda value: value >= -1)),
    "trainer.log_every_n_steps": _AT_LEAST_0,
    "trainer.accumulate_grad_batches": _AT_LEAST_1,
    "trainer.gradient_clip_val": _AT_LEAST_0,
    "trainer.gradient_clip_algorithm": _one_of(("norm", "value")),
    "trainer.reload_dataloaders_every_n_epochs": _AT_LEAST_0,
    "trainer.num_threads": Range(
        "a number of at least 1, or auto", lambda value: value == "auto" or _AT_LEAST_1.holds(value)
    ),
    "callbacks.early_stopping.patience": _AT_LEAST_0,
    "callbacks.early_stopping.mode": _one_of(("min", "max")),
    "callbacks.checkpoint.mode": _one_of(("min", "max")),
}  # fmt: skip


def check(cfg: DictConfig) -> None:
    """Check a composed configuration.

    Raises:
        UsageError: for the first setting that breaks a rule.
    """
    _check_keys(cfg)
    _check_readable(cfg)
    check_values(cfg)


def check_values(cfg: DictConfig, changed: Sequence[str] | None = None) -> None:
    """Check the values alone, of a configuration whose keys are those of one that has been checked.

    Args:
        cfg: resolved.
        changed: settings in which it differs from that one, whose ranges alone are looked at; None for all.

    Raises:
        UsageError: for the first setting that breaks a rule.
    """
    for key, allowed in _RANGES.items():
        if changed is not None and not any(_overlap(key, path) for path in changed):
            continue
        value = OmegaConf.select(cfg, key)
        if value is not None and not allowed.holds(value):
            raise UsageError(f"{key} must be {allowed.rule}, got {value}; set {key}")
    _check_fractions(cfg)
    _check_choices(cfg)
    _check_dataset(cfg)
    _check_monitors(cfg)
    _check_training(cfg)


def _overlap(key: str, path: str) -> bool:
    return key == path or key.startswith(f"{path}.") or path.startswith(f"{key}.")


def check_multirun(cfg: DictConfig) -> None:
    """Refuse what cannot be a job of a multirun.

    Lightning starts each further process of a strategy with the command line of this one: each would run the whole
    multirun again, out of step with the first.

    Raises:
        UsageError: where a job would run on several processes.
    """
    devices = cfg.trainer.devices
    n_devices = len(devices) if isinstance(devices, ListConfig) else devices
    if str(n_devices) not in ("1", "auto") or cfg.trainer.num_nodes > 1:
        raise UsageError(
            f"a multirun's job must run on one device, got trainer.devices={devices} and "
            f"trainer.num_nodes={cfg.trainer.num_nodes}; set trainer.devices=1 and let a launcher run jobs side by "
            "side, or start the runs one by one without -m"
        )


def _check_keys(cfg: DictConfig) -> None:
    """Refuse keys that were added with + to a part whose keys are fixed."""
    for path, node in _structured_parts(cfg):
        kind = OmegaConf.get_type(node)
        known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
        for key in node:
            if key not in known:
                raise UsageError(f"there is no setting {path}{key!s}; {did_you_mean(str(key), known)}")


def _structured_parts(cfg: DictConfig, path: str = "") -> Iterator[tuple[str, DictConfig]]:
    if is_dataclass(OmegaConf.get_type(cfg)):
        yield path, cfg
    for key in cfg:
        if OmegaConf.is_missing(cfg, key) or OmegaConf.is_interpolation(cfg, str(key)):
            continue
        node = cfg[key]
        if isinstance(node, DictConfig):
            yield from _structured_parts(node, f"{path}{key!s}.")


def _check_readable(cfg: DictConfig) -> None:
    for key in ("data", "model", "optimizer", "scheduler", "trainer", "monitor", "mode"):
        if OmegaConf.is_missing(cfg, key):
            raise UsageError(f"{key} must be set, got nothing; name an option, such as {key}=<option>")
        try:
            node = cfg[key]
            if OmegaConf.is_config(node):
                for missing in sorted(OmegaConf.missing_keys(node)):
                    raise UsageError(f"{missing} must be set, got nothing; type {missing}=<value>")
                OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
        except OmegaConfBaseException as error:
            raise UsageError(f"{key} cannot be read: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _check_fractions(cfg: DictConfig) -> None:
    folds, fold = cfg.data.folds, cfg.data.fold
    if (folds is None) != (fold is None):
        raise UsageError(
            f"data.folds and data.fold go together, got data.folds={folds} and data.fold={fold}; set both or none"
        )
    if folds is not None and fold >= folds:
        raise UsageError(f"data.fold must be below data.folds={folds}, got {fold}; the folds are numbered from 0")
    held_out = cfg.data.val_fraction + (cfg.data.test_fraction if folds is None else 1 / folds)
    if held_out >= 1:
        raise UsageError(
            "data.val_fraction + data.test_fraction must be below 1, so that training rows are left, got "
            f"{cfg.data.val_fraction} + {cfg.data.test_fraction}; lower one of them"
        )


def _check_choices(cfg: DictConfig) -> None:
    """Refuse what asks for rows that there are not, or for the same twice."""
    if cfg.model.get("threshold") == "auto" and cfg.data.val_fraction == 0:
        raise UsageError(
            "model.threshold=auto is chosen on validation rows, got data.val_fraction=0; set data.val_fraction above "
            "0, or model.threshold to a number in (0, 1)"
        )
    if OmegaConf.select(cfg, "model.network.category_width") is not None and (
        cfg.model.network.get("categories") == "one_hot"
    ):
        raise UsageError(
            f"model.network.category_width is that of embeddings, got {cfg.model.network.category_width} beside "
            "model.network.categories=one_hot; set model.network.categories=embedding"
        )
    if cfg.data.class_weights == cfg.data.sampling == "balanced":
        raise UsageError(
            "data.class_weights and data.sampling must not both be balanced, got both: rare classes would count twice; "
            "leave one of them out"
        )


def _check_dataset(cfg: DictConfig) -> None:
    for name, without in (("num_workers", 0), ("block_size", None)):
        if cfg.data.on_device is True and cfg.data[name] != without:
            raise UsageError(
                f"data.on_device=true takes batches from the whole table on the device, got data.{name}="
                f"{cfg.data[name]} beside it; leave one of them out"
            )
    if cfg.data.block_size is not None and cfg.data.sampling == "balanced":
        raise UsageError(
            "data.sampling=balanced draws rows of the whole table, got data.block_size="
            f"{cfg.data.block_size} beside it; leave one of them out, or set data.class_weights=balanced"
        )
    target = str(cfg.data.dataset.get("_target_"))
    named = _DATASET.fullmatch(target)
    # fetch_file writes whatever an address holds, and gives a path.
    if named and (not named[1].startswith(("load_", "fetch_", "make_")) or named[1] == "fetch_file"):
        raise UsageError(
            f"data.dataset._target_ must be a load_*, fetch_* or make_* function of sklearn.datasets, got {target}; "
            "name one that yields a table and a target"
        )


def _check_monitors(cfg: DictConfig) -> None:
    task = MODEL_TASKS.get(cfg.model._target_)
    if task is None:
        return
    logged = logged_names(task, has_val=cfg.data.val_fraction > 0)
    for prefix, part in _monitoring_parts(cfg):
        key, mode_key = f"{prefix}monitor", f"{prefix}mode"
        monitor, mode = part["monitor"], part["mode"]
        if monitor not in logged:
            raise UsageError(
                f"{key} must be a metric that this run logs, got {monitor}; {did_you_mean(str(monitor), logged)}"
            )
        if mode != direction_of(monitor):
            raise UsageError(
                f"{mode_key} must be {direction_of(monitor)} for {monitor}, got {mode}; leave {mode_key} out"
            )


def _monitoring_parts(cfg: DictConfig) -> Iterator[tuple[str, DictConfig]]:
    """Parts that have a monitor and a mode of their own, and what stands before these names."""
    yield "", cfg
    callbacks = cfg.callbacks
    for prefix, part in (
        ("scheduler.", cfg.scheduler),
        *((f"callbacks.{name}.", callbacks[name]) for name in callbacks),
    ):
        if isinstance(part, DictConfig) and "monitor" in part and "mode" in part:
            yield prefix, part


def _check_training(cfg: DictConfig) -> None:
    trainer = cfg.trainer
    if trainer.max_epochs == -1 and trainer.max_steps == -1 and trainer.max_time is None:
        raise UsageError(
            "training must end, got trainer.max_epochs=-1 without another limit; "
            "set trainer.max_epochs, trainer.max_steps or trainer.max_time"
        )
    if cfg.optimizer.get("nesterov") and not cfg.optimizer.get("momentum"):
        raise UsageError("optimizer.nesterov needs a momentum, got optimizer.momentum=0; set optimizer.momentum=0.9")
    path = cfg.ckpt_path
    if path is not None and cfg.model._target_ == "perceptron.models.Estimator":
        raise UsageError(
            f"ckpt_path is for networks, got {path} for {cfg.model.estimator._target_}, which is always fitted anew; "
            "leave it out"
        )
    if path is not None and "://" not in path and not Path(path).exists():
        raise UsageError(
            f"ckpt_path must be a run's folder or a checkpoint, got {path}, which is not there; name another"
        )
    if not cfg.train and cfg.test and path is None:
        raise UsageError("train=false needs a trained model to test, got ckpt_path=null; set ckpt_path to a checkpoint")
    if not cfg.train and not cfg.test:
        raise UsageError("train and test must not both be false: nothing would be done; set one of them to true")
    follows_epochs = cfg.scheduler._target_ in (
        "perceptron.models.schedules.cosine",
        "perceptron.models.schedules.onecycle",
    )
    if follows_epochs and (trainer.max_epochs is None or trainer.max_epochs == -1):
        raise UsageError(
            f"the schedule {cfg.scheduler._target_.rpartition('.')[2]} must know its length, got "
            f"trainer.max_epochs={trainer.max_epochs}; set trainer.max_epochs"
        )
