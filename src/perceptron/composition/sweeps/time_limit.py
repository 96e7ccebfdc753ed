"""``sweep.max_hours``: when that time has passed, no job of a sweep is started. Imports nothing heavy."""

import time
from typing import Final

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus

from perceptron.composition.settings.sweep_options import NODE
from perceptron.errors import OutOfTimeError

# Returned by a job that was not started: launchers hand on any value, and print lines about exceptions.
NOT_STARTED: Final = "not started"


class TimeLimit:
    """The end of a sweep that has a limit of hours, from now.

    The jobs are told when it is, because with most launchers they start in other processes, and at any time.

    Args:
        hours: None for no limit.
    """

    def __init__(self, hours: float | None) -> None:
        self.hours = hours
        self.ends = None if hours is None else time.time() + hours * 3600

    @property
    def overrides(self) -> list[str]:
        """What tells a job when the sweep ends."""
        return [] if self.ends is None else [f"{NODE}.until={self.ends!r}"]

    def check(self, n_waiting: int) -> None:
        """End the sweep if its time has passed and jobs are waiting.

        Args:
            n_waiting: number of jobs that are not started.

        Raises:
            OutOfTimeError: if so.
        """
        if self.ends is not None and self.hours is not None and n_waiting and time.time() >= self.ends:
            raise OutOfTimeError(self.hours, n_waiting)


def may_start() -> bool:
    """Whether the job whose settings Hydra has at present may start."""
    sweep = HydraConfig.get().callbacks.get("sweep") if HydraConfig.initialized() else None
    until = None if sweep is None else sweep.get("until")
    return until is None or time.time() < until


def not_started() -> JobReturn:
    """The result of a job that was not started."""
    result = JobReturn(status=JobStatus.COMPLETED)
    result.return_value = NOT_STARTED
    return result
