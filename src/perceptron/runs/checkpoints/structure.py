"""The structure of checkpoints, checked before anything is restored: to use the weights, and to resume training.

Lightning and torch accept any values: a text in place of a number fails deep inside a loop or a step, if at all. The
structure is that of Lightning 2's checkpoints and of what this project adds to them; other keys are ignored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from packaging.version import InvalidVersion, Version

from perceptron.errors import UsageError

_LONGEST_SHOWN = 40
# Ten times those that a training takes.
_MOST_SNAPSHOTS = 1000
_LARGEST = 2**53


@dataclass(frozen=True)
class Rule:
    """A rule for a single value.

    Attributes:
        wanted: the rule in words, for messages.
        holds: whether a value satisfies it.
    """

    wanted: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Each:
    """A mapping from texts to values of one structure."""

    shape: Any


@dataclass(frozen=True)
class OrNone:
    """A value of a structure, or None."""

    shape: Any


@dataclass(frozen=True)
class Maybe:
    """A key that may be missing."""

    name: str


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LARGEST


def _is_lightning_2(value: Any) -> bool:
    try:
        return isinstance(value, str) and Version(value).major >= 2
    except InvalidVersion:
        return False


def _is_noise(value: Any) -> bool:
    """Whether a value is a generator state for each process; states of a GPU's generator have other sizes."""
    if not isinstance(value, torch.Tensor) or value.dtype != torch.uint8 or value.ndim != 2:
        return False
    generator = torch.Generator()
    try:
        for row in value if value.shape[1] == len(generator.get_state()) else []:
            generator.set_state(row.clone())
    except RuntimeError:
        return False
    return True


def _has_dimensions(value: Any, n: int) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim == n


COUNT = Rule("a whole number", _is_count)
NUMBER = Rule("a number", lambda value: type(value) in (int, float))
FLAG = Rule("true or false", lambda value: type(value) is bool)
TEXT = Rule("a text", lambda value: isinstance(value, str))
SCORE = Rule("a tensor of one number", lambda value: isinstance(value, torch.Tensor) and value.numel() == 1)
PLAIN = Rule("a mapping", lambda value: isinstance(value, dict))

_DONE = {"ready": COUNT, "completed": COUNT}
_STARTED = {**_DONE, "started": COUNT}
_PROCESSED = {**_STARTED, "processed": COUNT}


def _progress(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {"total": shape, "current": shape}


_BATCHES = {**_progress(_PROCESSED), "is_last_batch": FLAG}
_FIT_LOOP = {
    # A user's loader has a state of its own.
    "state_dict": {Maybe("combined_loader"): [{Maybe("taken"): COUNT}]},
    "epoch_progress": _progress(_PROCESSED),
    "epoch_loop.state_dict": {"_batches_that_stepped": COUNT},
    "epoch_loop.batch_progress": _BATCHES,
    "epoch_loop.scheduler_progress": _progress(_DONE),
    "epoch_loop.automatic_optimization.state_dict": PLAIN,
    "epoch_loop.automatic_optimization.optim_progress": {
        "optimizer": {"step": _progress(_DONE), "zero_grad": _progress(_STARTED)}
    },
    "epoch_loop.manual_optimization.state_dict": PLAIN,
    "epoch_loop.manual_optimization.optim_step_progress": _progress(_DONE),
    "epoch_loop.val_loop.state_dict": PLAIN,
    "epoch_loop.val_loop.batch_progress": _BATCHES,
}
# By the start of their keys, which include the callbacks' arguments; other callbacks check their own states.
_CALLBACKS = {
    "EarlyStopping": {"wait_count": COUNT, "stopped_epoch": COUNT, "best_score": SCORE, "patience": COUNT},
    "ModelCheckpoint": {
        "dirpath": TEXT,
        "best_model_path": TEXT,
        "best_model_score": OrNone(SCORE),
        "current_score": OrNone(SCORE),
        "best_k_models": Each(SCORE),
        "kth_best_model_path": TEXT,
        "kth_value": SCORE,
        "last_model_path": TEXT,
    },
    "DescentFigure": {"path": [NUMBER]},
}
# The entries that this project adds.
_RESUME = {
    "position": Rule("a position", lambda value: value in ("epoch_end", "between_steps", "not_exact")),
    "should_stop": FLAG,
    "metrics": Each(NUMBER),
    "noise": Rule("a generator's state for each process", _is_noise),
}
_HISTORY = {
    "curves": Each(Rule("epochs and their values", lambda value: _are_pairs(value))),
    "epochs": Rule(f"at most {_MOST_SNAPSHOTS} numbers of epochs", lambda value: _are_counts(value)),
    "weights": Rule("weights of epochs", lambda value: _are_snapshots(value)),
    "every": Rule("a whole number above 0", lambda value: _is_count(value) and value > 0),
}

USABLE = {
    "state_dict": Rule("weights by their names", lambda value: isinstance(value, dict) and all(map(_is_text, value))),
    "perceptron": PLAIN,
    Maybe("global_step"): COUNT,
    Maybe("resume"): {"position": TEXT},
}
RESUMABLE = {
    "epoch": COUNT,
    "global_step": COUNT,
    "pytorch-lightning_version": Rule("a version of Lightning from 2.0 on", _is_lightning_2),
    "loops": {"fit_loop": _FIT_LOOP},
    "callbacks": Each(PLAIN),
    # This project's models have one; a user's may have none or several.
    "optimizer_states": [{"state": PLAIN, "param_groups": [{"params": [COUNT]}]}],
    "lr_schedulers": [PLAIN],
    "resume": _RESUME,
    Maybe("epoch_sums"): Rule(
        "sums for each process", lambda value: _has_dimensions(value, 2) and value.shape[1] in (2, 3)
    ),
    Maybe("history"): _HISTORY,
}


def check_usable(checkpoint: Any, *, where: str) -> None:
    """Check that a checkpoint has weights and metadata.

    Raises:
        UsageError: for the first entry that is wrong.
    """
    _check(checkpoint, USABLE, where=where)


def check_history(checkpoint: Mapping[str, Any], *, where: str) -> None:
    """Check the history of the training, if the checkpoint has one.

    Raises:
        UsageError: for the first entry that is wrong.
    """
    _check(checkpoint.get("history"), OrNone(_HISTORY), where=where, name="history")


def check_resumable(checkpoint: Mapping[str, Any], *, where: str) -> None:
    """Check that a checkpoint has everything that training resumes with.

    Raises:
        UsageError: for the first entry that is wrong.
    """
    _check(checkpoint, RESUMABLE, where=where)
    for key, state in checkpoint["callbacks"].items():
        shape = next((shape for kind, shape in _CALLBACKS.items() if key.startswith(kind)), PLAIN)
        # The state of a callback that was not called is empty.
        if state:
            _check(state, shape, where=where, name=f"callbacks.{key.partition('{')[0]}")


def _check(value: Any, shape: Any, *, where: str, name: str = "") -> None:
    if isinstance(shape, OrNone):
        if value is not None:
            _check(value, shape.shape, where=where, name=name)
    elif isinstance(shape, Rule):
        if not shape.holds(value):
            raise _wrong(name, shape.wanted, value, where)
    elif isinstance(shape, list):
        if not isinstance(value, list | tuple):
            raise _wrong(name, "a list", value, where)
        for place, item in enumerate(value):
            _check(item, shape[0], where=where, name=f"{name}[{place}]")
    elif not isinstance(value, dict):
        raise _wrong(name, "a mapping", value, where)
    elif isinstance(shape, Each):
        for key, item in value.items():
            if not isinstance(key, str):
                raise _wrong(name, "names", key, where)
            _check(item, shape.shape, where=where, name=f"{name}.{key}")
    else:
        for key, inner in shape.items():
            known = key.name if isinstance(key, Maybe) else key
            if known in value:
                _check(value[known], inner, where=where, name=f"{name}.{known}".lstrip("."))
            elif not isinstance(key, Maybe):
                raise _wrong(f"{name}.{known}".lstrip("."), "an entry", None, where)


def _wrong(name: str, wanted: str, value: Any, where: str) -> UsageError:
    shown = value if isinstance(value, str | int | float | bool | None) else type(value).__name__
    text = str(shown)[:_LONGEST_SHOWN]
    return UsageError(
        f"a checkpoint must be one that a run of this project has written, with {wanted} under {name or 'its root'}, "
        f"got {text} in {where}; name another"
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_pairs(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and len(value) == 2
        and all(_has_dimensions(part, 1) and _is_stored_whole(part) for part in value)
        and len(value[0]) == len(value[1])
    )


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= _MOST_SNAPSHOTS and all(map(_is_count, value))


def _are_snapshots(value: Any) -> bool:
    """Whether a value is a table of weights, which is empty where the training took none."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return False
    return value.numel() == 0 or (value.ndim == 2 and _is_stored_whole(value))


def _is_stored_whole(value: torch.Tensor) -> bool:
    """Whether the file has a number for each element: a few bytes can describe a tensor larger than the memory."""
    return value.untyped_storage().nbytes() >= value.numel() * value.element_size()
