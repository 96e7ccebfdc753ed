"""Types and allowed values of the root of the configuration and of ``paths``. Imports nothing heavy."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from perceptron.composition.settings.schema.constraints import (
    DIRECTION,
    FOLDER,
    FOLDER_NAME,
    SEED,
    Constraint,
    one_of,
    setting,
)

_COMPILE = Constraint("one of false, true, reduce-overhead", lambda value: value in (False, True, "reduce-overhead"))


@dataclass
class PathsConf:
    """Where things lie."""

    log_dir: str = setting(MISSING, FOLDER)
    output_dir: str = MISSING


@dataclass
class TrainConf:
    """The root of the configuration."""

    task_name: str = setting("train", FOLDER_NAME)
    tags: list[str] = field(default_factory=list)
    train: bool = True
    test: bool = True
    figures: str = setting("end", one_of("end", "epoch", "none"))
    compile: Any = setting(False, _COMPILE)
    ckpt_path: str | None = None
    seed: int = setting(0, SEED)
    monitor: str = MISSING
    mode: str | None = setting(MISSING, DIRECTION)
    # Parts: their schemas are the signatures of their targets.
    data: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    scheduler: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    callbacks: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] = field(default_factory=dict)
    paths: PathsConf = MISSING
    # Of the user's own: stored and shown, and free for interpolations such as ${extras.data_dir}.
    extras: dict[str, Any] = field(default_factory=dict)
