"""The members' learning-rate schedules, each stepped as Lightning steps it."""

from collections.abc import Iterable
from typing import Any

from torch.optim.lr_scheduler import ReduceLROnPlateau

from perceptron.population.member import Member

_WAITING: type = ReduceLROnPlateau


def step_schedules(members: Iterable[Member], interval: str) -> bool:
    """Step the schedules of this interval, except those that wait for a metric; whether there were some."""
    moved = False
    for member in members:
        schedule = member.schedule
        if schedule and schedule["interval"] == interval and not isinstance(schedule["scheduler"], _WAITING):
            _take_no_step(member)
            schedule["scheduler"].step()
            moved = True
    return moved


def step_plateaus(members: Iterable[Member]) -> bool:
    """Step the schedules that wait for a metric, with its latest value; whether there were some."""
    moved = False
    for member in members:
        schedule = member.schedule
        if schedule and isinstance(schedule["scheduler"], _WAITING) and member.failure is None:
            _take_no_step(member)
            waiting: Any = schedule["scheduler"]
            waiting.step(member.latest(schedule["monitor"]))
            moved = True
    return moved


def _take_no_step(member: Member) -> None:
    """Step an optimizer whose parameters have no gradient: schedules warn where it never stepped."""
    member.optimizer.step()
