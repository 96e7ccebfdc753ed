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


def step_plateaus(members: Iterable[Member], epoch: int) -> bool:
    """Step the schedules that follow a metric which an epoch has logged, with its value; whether there were any."""
    moved = False
    for member in members:
        schedule = member.schedule
        if schedule is None or not isinstance(schedule["scheduler"], ReduceLROnPlateau) or member.failure is not None:
            continue
        if epoch % plateau_frequency(member) == plateau_frequency(member) - 1:
            _record_step(member)
            schedule["scheduler"].step(member.latest(schedule["monitor"]))
            moved = True
    return moved


def plateau_frequency(member: Member) -> int:
    """After how many epochs the metric of a member's schedule has a new value."""
    monitor = "" if member.schedule is None else str(member.schedule.get("monitor"))
    return member.epochs_per_validation if monitor.startswith("val/") else 1


def _record_step(member: Member) -> None:
    """Step the member's optimizer, which has no gradients: schedules warn about an optimizer that never stepped."""
    member.optimizer.step()
