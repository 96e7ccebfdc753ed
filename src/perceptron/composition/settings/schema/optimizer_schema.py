"""Defaults, and types and allowed values beyond the signatures, of the groups ``optimizer`` and ``scheduler``.

Imports nothing heavy.
"""

from dataclasses import dataclass

from omegaconf import MISSING

from perceptron.composition.settings.schema.constraints import (
    ABOVE_0,
    AT_LEAST_0,
    AT_LEAST_1,
    DIRECTION,
    OPEN_SHARE,
    SHARE,
    TWO_SHARES,
    setting,
)


@dataclass
class OptimizerConf:
    """What every optimizer has."""

    _target_: str = MISSING
    _partial_: bool = True
    lr: float = setting(MISSING, ABOVE_0)


@dataclass
class SGDConf(OptimizerConf):
    """Arguments of ``torch.optim.SGD``."""

    _target_: str = "torch.optim.SGD"
    weight_decay: float = setting(0.0, AT_LEAST_0)
    momentum: float = setting(0.0, SHARE)
    nesterov: bool = False


@dataclass
class AdamConf(OptimizerConf):
    """Arguments of ``torch.optim.Adam`` and ``AdamW``."""

    _target_: str = "torch.optim.Adam"
    weight_decay: float = setting(0.0, AT_LEAST_0)
    betas: list[float] = setting(lambda: [0.9, 0.999], TWO_SHARES)
    eps: float = setting(1e-8, ABOVE_0)


@dataclass
class ScheduleConf:
    """What every learning-rate schedule has; no ``_target_`` means a constant rate."""

    _target_: str | None = None
    _partial_: bool = True


@dataclass
class CosineConf(ScheduleConf):
    """Arguments of ``perceptron.models.schedules.cosine``."""

    _target_: str | None = "perceptron.models.schedules.cosine"
    min_lr: float = setting(0.0, AT_LEAST_0)


@dataclass
class PlateauConf(ScheduleConf):
    """Arguments of ``perceptron.models.schedules.plateau``."""

    _target_: str | None = "perceptron.models.schedules.plateau"
    monitor: str = MISSING
    # min or max; null where the monitored metric's direction is not known, which no run starts with.
    mode: str | None = setting(MISSING, DIRECTION)
    factor: float = setting(0.5, OPEN_SHARE)
    patience: int = setting(5, AT_LEAST_0)
    min_lr: float = setting(0.0, AT_LEAST_0)


@dataclass
class OneCycleConf(ScheduleConf):
    """Arguments of ``perceptron.models.schedules.onecycle``."""

    _target_: str | None = "perceptron.models.schedules.onecycle"
    warmup_fraction: float = setting(0.3, SHARE)
    start_divisor: float = setting(25.0, AT_LEAST_1)
    final_divisor: float = setting(1e4, AT_LEAST_1)
    cycle_momentum: bool = False


@dataclass
class TorchScheduleConf:
    """Constraints of what Lightning takes beside a schedule of torch."""

    frequency: int = setting(1, AT_LEAST_1)
