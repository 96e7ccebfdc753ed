"""Build the trainer of a configuration, with its callbacks and loggers."""

from collections.abc import Mapping, Sequence
from typing import Any

import lightning as L
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch.callbacks import Checkpoint, ProgressBar
from lightning.pytorch.loggers import Logger
from lightning.pytorch.strategies import ModelParallelStrategy
from omegaconf import DictConfig

from perceptron.callbacks import NoProfiler, leave_out_empty_hooks
from perceptron.composition.building.callbacks import (
    build_callback,
    check_callbacks,
    with_one_progress_bar,
)
from perceptron.composition.building.instantiate import instance
from perceptron.composition.settings.plain import plain
from perceptron.errors import UsageError
from perceptron.runs.checkpoints.checkpoint_file import AtomicCheckpointIO
from perceptron.training.devices import check_device

_NOT_BAREBONES = (
    "log_every_n_steps", "enable_checkpointing", "enable_progress_bar", "enable_model_summary", "num_sanity_val_steps",
    "fast_dev_run", "detect_anomaly", "profiler",
)  # fmt: skip


def build_trainer(cfg: DictConfig, own_callbacks: Sequence[L.Callback], *, quiet: bool = False) -> L.Trainer:
    """Trainer with the callbacks and loggers of a configuration.

    Args:
        cfg: the whole configuration.
        own_callbacks: callbacks that every run has, whatever its configuration.
        quiet: whether to leave out progress bars.

    Raises:
        UsageError: where this machine does not have the device that ``trainer`` names.
    """
    check_device(cfg.trainer.accelerator)
    configured = {
        f"callbacks.{name!s}": build_callback(plain(part), f"callbacks.{name!s}")
        for name, part in cfg.callbacks.items()
        if part is not None
    }
    configured = with_one_progress_bar(configured)
    loggers = build_loggers(cfg.logger)
    check_callbacks(configured, cfg, has_logger=bool(loggers))
    callbacks: list[L.Callback] = [*configured.values(), *own_callbacks]
    trainer = cfg.trainer
    if trainer.barebones:
        callbacks, loggers = [], []
    has_bar = any(isinstance(callback, ProgressBar) for callback in callbacks)
    if trainer.enable_progress_bar is False or quiet:
        callbacks = [callback for callback in callbacks if not isinstance(callback, ProgressBar)]
    if trainer.enable_checkpointing is False:
        callbacks = [callback for callback in callbacks if not isinstance(callback, Checkpoint)]
    defaults = {
        "callbacks": callbacks,
        "logger": loggers or False,
        "enable_progress_bar": not quiet
        and (has_bar if trainer.enable_progress_bar is None else trainer.enable_progress_bar),
        "enable_checkpointing": any(isinstance(callback, Checkpoint) for callback in callbacks),
        "default_root_dir": trainer.default_root_dir or cfg.paths.output_dir,
    }
    settings = {
        key: _with_objects(value, f"trainer.{key}") for key, value in plain(trainer).items() if key != "num_threads"
    }
    settings |= {} if trainer.barebones else defaults
    # Lightning's null means 50; this project's models log epochs.
    settings["log_every_n_steps"] = trainer.log_every_n_steps or 0
    settings["plugins"] = _plugins(settings["plugins"])
    if trainer.profiler is None:
        settings["profiler"] = NoProfiler()
    if trainer.barebones:
        settings = {key: value for key, value in settings.items() if key not in _NOT_BAREBONES}
    leave_out_empty_hooks(callbacks)
    built: L.Trainer = instance(settings, "trainer")
    if isinstance(built.strategy, ModelParallelStrategy) and cfg.model._target_.startswith("perceptron."):
        raise UsageError(
            "trainer.strategy must be one that takes a whole model, got ModelParallelStrategy, which divides one that "
            "has configure_model; set trainer.strategy=ddp"
        )
    return built


def build_loggers(group: DictConfig | Mapping[str, Any]) -> list[Logger]:
    """Loggers of the group ``logger``."""
    parts = plain(group)
    loggers = {f"logger.{name}": instance(part, f"logger.{name}") for name, part in parts.items() if part is not None}
    for name, logger in loggers.items():
        if not isinstance(logger, Logger):
            raise UsageError(f"{name} must be a Logger, got {type(logger).__name__}; change {name}._target_")
    return list(loggers.values())


def _with_objects(value: Any, name: str) -> Any:
    """A flag's value, with the strategy, profiler or plugins that its parts describe."""
    if isinstance(value, list):
        return [_with_objects(item, name) for item in value]
    return instance(value, name) if isinstance(value, Mapping) and "_target_" in value else value


def _plugins(wanted: Any) -> list[Any]:
    """The user's plugins, and one that writes checkpoints atomically unless one of theirs writes them."""
    plugins = [] if wanted is None else wanted if isinstance(wanted, list) else [wanted]
    has_own = any(isinstance(plugin, CheckpointIO) for plugin in plugins)
    return plugins if has_own else [*plugins, AtomicCheckpointIO()]
