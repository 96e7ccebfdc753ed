"""The weights that a run reports: those of its best epoch, or its last."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from perceptron.runs.checkpoints.best_checkpoint import reporting_rule
from perceptron.runs.checkpoints.checkpoint_file import load_state, read_checkpoint
from perceptron.runs.checkpoints.resume_point import KEY as RESUME
from perceptron.runs.training_end import training_end


@dataclass(frozen=True)
class ReportedWeights:
    """Where reported weights come from, and what was logged of them.

    Attributes:
        path: of their checkpoint; None where there is none.
        epoch: of the training, from 0; None where no best epoch is known.
        rule: that kept them; None for the last weights, or those of another run.
        last: the monitored metric's last value, where no rule kept any.
        logged: training and validation metrics of that epoch, those of callbacks too.
        ending: of the training, see ``perceptron.runs.training_end``; None where there was none.
    """

    path: str | None = None
    epoch: int | None = None
    rule: ModelCheckpoint | None = None
    last: float | None = None
    logged: Mapping[str, float] = field(default_factory=dict)
    ending: Mapping[str, Any] | None = None


def take_reported_weights(
    trainer: L.Trainer, model: L.LightningModule, monitor: str, *, names_are_known: bool = True
) -> ReportedWeights:
    """Give a model the weights of its training's best checkpoint; without one, it keeps the last.

    Args:
        trainer: at the end of its fit.
        model: that was trained.
        monitor: the metric that the run monitors.
        names_are_known: whether the names of its metrics tell the split, such as ``val/acc``; otherwise all that was
            logged is kept.
    """
    of_epochs = _of_epochs if names_are_known else _without_steps
    logged = {name: value.item() for name, value in trainer.callback_metrics.items()}
    rules = [rule for rule in trainer.checkpoint_callbacks if isinstance(rule, ModelCheckpoint)]
    rule = reporting_rule(rules, monitor)
    if rule is None:
        return ReportedWeights(
            last=logged.get(monitor), logged=of_epochs(logged), ending=_ending(trainer, kept_epoch=None)
        )
    path = rule.best_model_path
    contents = read_checkpoint(path)
    load_state(model, contents, where=path)
    return ReportedWeights(
        path=path,
        epoch=contents["epoch"],
        rule=rule,
        logged=of_epochs(contents[RESUME]["metrics"]),
        ending=_ending(trainer, kept_epoch=contents["epoch"]),
    )


def _ending(trainer: L.Trainer, *, kept_epoch: int | None) -> dict[str, Any]:
    callbacks: list[L.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return training_end(
        epochs=trainer.current_epoch,
        max_epochs=trainer.max_epochs,
        stopped_early=any(isinstance(callback, EarlyStopping) and callback.stopped_epoch > 0 for callback in callbacks),
        kept_epoch=kept_epoch,
    )


def _of_epochs(logged: Mapping[str, float]) -> dict[str, float]:
    return {
        name: value
        for name, value in logged.items()
        if name.startswith(("train/", "val/")) and not name.endswith("_step")
    }


def _without_steps(logged: Mapping[str, float]) -> dict[str, float]:
    """Without the second names that Lightning gives to what is logged of steps and of epochs."""
    twins = {f"{name}_{of}" for name in logged for of in ("step", "epoch")}
    return {name: value for name, value in logged.items() if name not in twins}
