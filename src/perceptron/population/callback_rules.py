"""When a member stops and when its weights are kept, by Lightning's rules on the state of Lightning's callbacks."""

from collections.abc import Callable

import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason
from torch import Tensor

from perceptron.population.stacking import CannotStackError

# The arguments that a population follows; a job with any other argument runs alone.
_STOPPING = ("monitor", "mode", "patience", "min_delta", "check_on_train_epoch_end", "verbose", "strict")
_CHECKPOINT = (
    "dirpath", "filename", "monitor", "mode", "save_on_train_epoch_end", "save_top_k", "enable_version_counter",
    "verbose", "auto_insert_metric_name", "every_n_epochs",
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
        raise CannotStackError(f"it has the callback {target}: its methods take the trainer of one model")
    for key in settings:
        if key != "_target_" and key not in known:
            raise CannotStackError(f"its {name} has {key}={settings[key]}")
    if target == EARLY_STOPPING and settings.get("check_on_train_epoch_end") is False:
        raise CannotStackError("its EarlyStopping has check_on_train_epoch_end=False")
    if target == CHECKPOINT:
        if not all(settings.get(key) for key in ("monitor", "dirpath", "filename")):
            raise CannotStackError("its ModelCheckpoint has no monitor, or no folder and file name of its own")
        if settings.get("save_top_k") == -1:
            raise CannotStackError("its ModelCheckpoint keeps all epochs")
        if settings.get("every_n_epochs") == 0:
            raise CannotStackError("its ModelCheckpoint has every_n_epochs=0")
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


def improvement(rule: ModelCheckpoint, current: Tensor, path_of: Callable[[], str]) -> str | None:
    """The file of the present weights, recorded, if they are among the best; None if they are not.

    Args:
        rule: how many to keep, and those it keeps.
        current: value of ``rule.monitor``.
        path_of: gives the file that the weights would have.
    """
    better = {"min": torch.lt, "max": torch.gt}[rule.mode]
    best, worst = (min, max) if rule.mode == "min" else (max, min)
    kept = dict(rule.best_k_models)
    if len(kept) >= rule.save_top_k:
        if rule.save_top_k == 0 or not better(current, kept[rule.kth_best_model_path]):
            return None
        del kept[rule.kth_best_model_path]
    if torch.isnan(current):
        current = torch.tensor(torch.inf if rule.mode == "min" else -torch.inf, dtype=current.dtype)
    path = path_of()
    kept[path] = current
    rule.current_score, rule.best_k_models = current, kept
    if len(kept) == rule.save_top_k:
        rule.kth_best_model_path = worst(kept, key=kept.__getitem__)
        rule.kth_value = kept[rule.kth_best_model_path]
    rule.best_model_path = best(kept, key=kept.__getitem__)
    rule.best_model_score = kept[rule.best_model_path]
    return path
