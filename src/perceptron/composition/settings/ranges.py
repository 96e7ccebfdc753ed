"""What the value of each setting must be, by itself. Imports nothing heavy."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perceptron.tasks import TASKS

_ACTIVATIONS = ("gelu", "relu", "sigmoid", "silu", "tanh")
_ACCELERATORS = ("auto", "cpu", "cuda", "gpu", "hpu", "mps", "tpu")
_PRECISIONS = (
    "16", "32", "64", "16-mixed", "16-true", "32-true", "64-true", "bf16", "bf16-mixed", "bf16-true",
    "transformer-engine", "transformer-engine-float16",
)  # fmt: skip


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


def _is_form(value: Any) -> bool:
    """Whether a text says how dates are written: known directives of strptime, a year among them."""
    directives = re.findall(r"%(.?)", value) if isinstance(value, str) else []
    return bool({"Y", "y"} & set(directives)) and set(directives) <= set("YymdbBjaAHIMSfpzZ%")


def _are_forms(value: Any) -> bool:
    forms = value.values() if isinstance(value, Mapping) else [value]
    return all(form is None or form == "ISO8601" or _is_form(form) for form in forms)


# By setting; null is never asked about.
RANGES: dict[str, Range] = {
    "task_name": Range(
        "a folder's name of letters, digits, _, - and .",
        lambda value: re.fullmatch(r"\w[\w.-]*", str(value)) is not None,
    ),
    "paths.log_dir": Range("a folder", lambda value: str(value).strip() != ""),
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
    "data.date_format": Range("a form such as %d/%m/%Y, or one for each column, as {day: '%d/%m/%Y'}", _are_forms),
    "data.missing_target": _one_of(("refuse", "drop")),
    "data.class_weights": _one_of(("none", "balanced")),
    "data.sampling": _one_of(("none", "balanced")),
    "data.num_workers": _AT_LEAST_0,
    "data.on_device": Range("one of auto, true, false", lambda value: value == "auto" or isinstance(value, bool)),
    "model.threshold": Range("in (0, 1), or auto", lambda value: value == "auto" or _OPEN_SHARE.holds(value)),
    "model.label_smoothing": _SHARE,
    "model.network.hidden": Range(
        "a list of widths of at least 1",
        lambda value: isinstance(value, Sequence) and all(isinstance(width, int) and width >= 1 for width in value),
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
        "two numbers in [0, 1)",
        lambda value: isinstance(value, Sequence) and len(value) == 2 and all(map(_SHARE.holds, value)),
    ),
    "optimizer.eps": _ABOVE_0,
    "scheduler.mode": _one_of(("min", "max")),
    "scheduler.min_lr": _AT_LEAST_0,
    "scheduler.factor": _OPEN_SHARE,
    "scheduler.patience": _AT_LEAST_0,
    "scheduler.warmup_fraction": _SHARE,
    "scheduler.start_divisor": _AT_LEAST_1,
    "scheduler.final_divisor": _AT_LEAST_1,
    # Lightning's own processes hand back weights alone, which is no checkpoint of this project.
    "trainer.strategy": Range(
        "auto, ddp or another that starts its processes by the command line",
        lambda value: not str(value).endswith(("_spawn", "_fork", "_notebook")),
    ),
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
    # torch crashes with very many.
    "trainer.num_threads": Range(
        "a number from 1 to 1024, or auto",
        lambda value: value == "auto" or _number(lambda number: 1 <= number <= 1024)(value),
    ),
    "trainer.val_check_interval": Range(
        "above 0, or a time as DD:HH:MM:SS", lambda value: not isinstance(value, int | float) or value > 0
    ),
    "callbacks.early_stopping.patience": _AT_LEAST_0,
    "callbacks.early_stopping.mode": _one_of(("min", "max")),
    "callbacks.checkpoint.save_top_k": Range(
        "a whole number of at least 0, or -1 for all", lambda value: isinstance(value, int) and value >= -1
    ),
    "callbacks.checkpoint.mode": _one_of(("min", "max")),
}  # fmt: skip
