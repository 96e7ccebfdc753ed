"""When a member stops and when its weights are kept, by Lightning's rules on the state of Lightning's callbacks."""

from pathlib import Path

import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason
from torch import Tensor

from perceptron.population.stacking import CannotStackError

# The arguments that a population follows; a job with any other argument runs alone.
_STOPPING = ("monitor", "mode", "patience", "min_delta", "check_on_train_epoch_end", "verbose", "strict")
_CHECKPOINT = (
    "dirpath", "filename", "monitor", "mode", "save_on_train_epoch_end", "save_top_k", "enable_version_counter",
    "verbose", "auto_insert_metric_name",
)  # fmt: skip
_PRUNING = ("storage", "study_name", "number", "monitor", "pruner")
_LAST = ("dirpath", "every_seconds")
EARLY_STOPPING = "lightning.pytorch.callbacks.EarlyStopping"
CHECKPOINT = "lightning.pytorch.callbacks.ModelCheckpoint"
LAST_CHECKPOINT = "perceptron.runs.checkpoints.LastCheckpoint"
PRUNING = "perceptron.callbacks.PruneHopeless"
_SUPPORTED: dict[str, tuple[str, ...]] = {
    EARLY_STOPPING: _STOPPING,
    CHECKPOINT: _CHECKPOINT,
    LAST_CHECKPOINT: _LAST,
    PRUNING: _PRUNING,
    "perceptron.callbacks.EpochProgress": (),
}


def check_callback(settings: dict[str, object]) -> None:
    """Refuse a callback that a population does not follow, such as a user's class.

    Args:
        settings: its configuration, with ``_target_``.

    Raises:
        CannotStackError: with the reason.
    """
    target = str(settings["_target_"])
    name = target.rpartition(".")[2]
    known = _SUPPORTED.get(target)
    if known is None:
        raise CannotStackError(f"it has the callback {target}")
    for key in settings:
        if key != "_target_" and key not in known:
            raise CannotStackError(f"its {name} has {key}={settings[key]}")
    if target == EARLY_STOPPING and settings.get("check_on_train_epoch_end") is False:
        raise CannotStackError("its EarlyStopping has check_on_train_epoch_end=False")
    if target == CHECKPOINT:
        plain_name = isinstance(settings.get("filename"), str) and "{" not in str(settings["filename"])
        if not plain_name or not settings.get("monitor") or not settings.get("dirpath"):
            raise CannotStackError("its ModelCheckpoint has no monitor, or no folder and file name of its own")
        if settings.get("save_top_k", 1) != 1:
            raise CannotStackError(f"its ModelCheckpoint has save_top_k={settings['save_top_k']}")
        if settings.get("save_on_train_epoch_end") is False or settings.get("enable_version_counter") is not False:
            raise CannotStackError("its ModelCheckpoint saves at other times, or under numbered names")


def stops(rule: EarlyStopping, current: Tensor, epoch: int) -> bool:
    """Whether training ends with this epoch, judged by the latest value of ``rule.monitor``."""
    if rule.check_finite and not torch.isfinite(current):
        rule.stopping_reason = EarlyStoppingReason.NON_FINITE_METRIC
        rule.stopping_reason_message = (
            f"Monitored metric {rule.monitor} = {current} is not finite."
            f" Previous best value was {rule.best_score:.3f}. Signaling Trainer to stop."
        )
    elif rule.monitor_op(current - rule.min_delta, rule.best_score):
        rule.best_score = current
        rule.wait_count = 0
        return False
    else:
        rule.wait_count += 1
        if rule.wait_count < rule.patience:
            return False
        rule.stopping_reason = EarlyStoppingReason.PATIENCE_EXHAUSTED
        rule.stopping_reason_message = (
            f"Monitored metric {rule.monitor} did not improve in the last {rule.wait_count} records."
            f" Best score: {rule.best_score:.3f}. Signaling Trainer to stop."
        )
    rule.stopped_epoch = epoch
    return True


def improves(rule: ModelCheckpoint, current: Tensor) -> bool:
    """Whether the weights are the best so far, judged by the latest value of ``rule.monitor``; if so, record it."""
    better = {"min": torch.lt, "max": torch.gt}[rule.mode]
    if rule.best_model_score is not None and not better(current, rule.best_model_score):
        return False
    if torch.isnan(current):
        current = torch.tensor(torch.inf if rule.mode == "min" else -torch.inf, dtype=current.dtype)
    path = str(best_path(rule))
    rule.current_score = rule.best_model_score = rule.kth_value = current
    rule.best_model_path = rule.kth_best_model_path = path
    rule.best_k_models = {path: current}
    return True


def best_path(rule: ModelCheckpoint) -> Path:
    """The file of the best weights."""
    return Path(str(rule.dirpath)) / f"{rule.filename}{rule.FILE_EXTENSION}"
