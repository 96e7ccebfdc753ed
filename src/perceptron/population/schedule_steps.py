"""Steps of the members' learning-rate schedules, in the order in which Lightning takes them."""

from collections.abc import Iterable

from torch.optim.lr_scheduler import ReduceLROnPlateau

from perceptron.population.member import Member


def step_schedules(members: Iterable[Member], interval: str) -> bool:
    """Step the schedules of this interval that follow no metric; whether there were any."""
    moved = False
    for member in members:
        schedule = member.schedule
        if schedule and schedule["interval"] == interval and not isinstance(schedule["scheduler"], ReduceLROnPlateau):
            _record_step(member)
            schedule["scheduler"].step()
            moved = True
    return moved


def step_plateaus(members: Iterable[Member]) -> bool:
    """Step the schedules that follow a metric, with its latest value; whether there were any."""
    moved = False
    for member in members:
        schedule = member.schedule
        if schedule and isinstance(schedule["scheduler"], ReduceLROnPlateau) and member.failure is None:
            _record_step(member)
            schedule["scheduler"].step(member.latest(schedule["monitor"]))
            moved = True
    return moved


def _record_step(member: Member) -> None:
    """Step the member's optimizer, which has no gradients: schedules warn about an optimizer that never stepped."""
    member.optimizer.step()
