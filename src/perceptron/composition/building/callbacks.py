"""Build the callbacks of a configuration, and refuse those that cannot work here."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import (
    BatchSizeFinder,
    DeviceStatsMonitor,
    LearningRateFinder,
    LearningRateMonitor,
    ModelCheckpoint,
    ProgressBar,
    StochasticWeightAveraging,
    ThroughputMonitor,
    WeightAveraging,
)

from perceptron.composition.building.instantiate import instance
from perceptron.errors import UsageError
from perceptron.invocation import training_command

_FINDERS = {
    LearningRateFinder: ("optimizer.lr", "optimizer.lr=interval(0.001, 1)"),
    BatchSizeFinder: ("data.batch_size", "data.batch_size=choice(16, 32, 64)"),
}
_LOGGING = (LearningRateMonitor, DeviceStatsMonitor, ThroughputMonitor)
_PROGRESS = "callbacks.progress"
_SCHEDULE_OF_STEPS = "perceptron.models.schedules.onecycle"


def build_callback(part: Mapping[str, Any], name: str) -> L.Callback:
    """Callback of its settings.

    Raises:
        UsageError: where it cannot be made of them, or is none.
    """
    callback = instance(dict(part), name)
    if not isinstance(callback, L.Callback):
        raise UsageError(f"{name} must be a Callback, got {type(callback).__name__}; change {name}._target_")
    if isinstance(callback, WeightAveraging):
        if part.get("use_buffers"):
            raise UsageError(
                f"{name}.use_buffers must be false, got true: buffers hold the standardisation, which an average would "
                f"round in every step; leave it out"
            )
        # Lightning's default is true.
        callback = instance({**part, "use_buffers": False}, name)
    if isinstance(callback, ModelCheckpoint):
        # A checkpoint would replace the one before, or that of an exception the best.
        keeps_more = callback.save_top_k not in (0, 1) or callback.save_on_exception
        if keeps_more and "{step" not in _name(callback):
            callback.filename = f"{_name(callback)}-{{step}}"
    return callback  # type: ignore[no-any-return]


def with_one_progress_bar(callbacks: Mapping[str, L.Callback]) -> dict[str, L.Callback]:
    """The callbacks, where another progress bar takes the place of ``callbacks.progress``; Lightning admits one.

    Args:
        callbacks: by the names of their settings.

    Raises:
        UsageError: for two others.
    """
    bars = [name for name, each in callbacks.items() if isinstance(each, ProgressBar)]
    others = [name for name in bars if name != _PROGRESS]
    if len(others) > 1:
        raise UsageError(f"a run has one progress bar, got {others[0]} and {others[1]}; leave one out")
    return {name: each for name, each in callbacks.items() if not (others and name == _PROGRESS)}


def check_callbacks(callbacks: Mapping[str, L.Callback], config: Mapping[str, Any], *, has_logger: bool) -> None:
    """Refuse callbacks that would have no effect, or another than the intended one.

    Args:
        callbacks: by the names of their settings.
        config: the whole configuration, typed or plain.
        has_logger: whether anything is logged.

    Raises:
        UsageError: for the first of them.
    """
    rules = {name: each for name, each in callbacks.items() if isinstance(each, ModelCheckpoint)}
    for name, callback in callbacks.items():
        for kind, (setting, space) in _FINDERS.items():
            if isinstance(callback, kind):
                raise UsageError(
                    f"{name} must be a callback that a run can follow, got {kind.__name__}, which changes {setting} "
                    f"without its settings; leave it out and search: {training_command()} -m hparams_search=optuna "
                    f"'{space}'"
                )
        if isinstance(callback, StochasticWeightAveraging) and any(rule.monitor for rule in rules.values()):
            raise UsageError(
                f"{name}, a StochasticWeightAveraging, averages weights that are never validated, so that the best "
                "checkpoint would be one without the average; take lightning.pytorch.callbacks.WeightAveraging, or set "
                f"{next(key for key, rule in rules.items() if rule.monitor)}=null to test the average"
            )
        _check_logging(name, callback, config, has_logger=has_logger)
    check_rules(rules)


def _check_logging(name: str, callback: L.Callback, config: Mapping[str, Any], *, has_logger: bool) -> None:
    """Refuse callbacks whose values no logger would get."""
    kind = type(callback).__name__
    if isinstance(callback, _LOGGING) and not has_logger:
        raise UsageError(f"{name}, a {kind}, needs a logger, got none; type logger=tensorboard, or leave it out")
    logs_steps = isinstance(callback, DeviceStatsMonitor | ThroughputMonitor)
    if isinstance(callback, LearningRateMonitor):
        scheduler = config["scheduler"]
        by_schedule = scheduler["_target_"] == _SCHEDULE_OF_STEPS or scheduler.get("interval") == "step"
        logs_steps = callback.logging_interval == "step" or (callback.logging_interval is None and by_schedule)
    if logs_steps and not config["trainer"]["log_every_n_steps"]:
        raise UsageError(
            f"{name}, a {kind}, logs at steps, got trainer.log_every_n_steps=0, which logs none; set "
            "trainer.log_every_n_steps=1, or leave it out"
        )


def check_rules(rules: Mapping[str, ModelCheckpoint]) -> None:
    """Refuse rules whose checkpoints could not be used, or would replace one another.

    Args:
        rules: by the names of their settings.

    Raises:
        UsageError: for the first of them.
    """
    for name, rule in rules.items():
        if rule.save_weights_only:
            raise UsageError(
                f"{name}.save_weights_only must be false, got true: such a checkpoint has neither its settings nor its "
                "columns; leave it out"
            )
    counts = Counter(rule.state_key for rule in rules.values())
    same = [name for name, rule in rules.items() if counts[rule.state_key] > 1]
    if same:
        raise UsageError(
            f"ModelCheckpoint callbacks must differ in monitor, mode or how often they save, got {same[0]} and "
            f"{same[1]}; leave one out, or set {same[0]}.save_top_k to keep more"
        )
    files: dict[tuple[str, str], str] = {}
    for name, rule in rules.items():
        other = files.setdefault((str(rule.dirpath), _name(rule)), name)
        if other != name:
            raise UsageError(
                f"ModelCheckpoint callbacks must write files of their own, got {_name(rule)} by {other} and {name}; "
                f"set {name}.filename"
            )


def _name(rule: ModelCheckpoint) -> str:
    return rule.filename or "{epoch}"
