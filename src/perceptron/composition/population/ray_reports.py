"""How far the tasks of a Ray cluster are. A process of its own imports this, so it imports nothing heavy."""

from typing import NamedTuple


class Progress(NamedTuple):
    """How far a share is.

    Attributes:
        epochs: that it has behind it.
        living: members that are still in training.
        n_drawn: jobs whose figures are drawn.
        n_to_draw: jobs that get figures, once they are known.
    """

    epochs: float
    living: int
    n_drawn: int = 0
    n_to_draw: int = 0


class ProgressReports:
    """Takes the reports of tasks for the driver; an actor of Ray."""

    def __init__(self) -> None:
        self._reports: dict[int, Progress] = {}

    def report(self, number: int, progress: Progress) -> None:
        """Take the report of a share.

        Args:
            number: of the share.
            progress: of the share.
        """
        self._reports[number] = progress

    def taken(self) -> dict[int, Progress]:
        """The latest report of each share that has reported since the last call."""
        reports, self._reports = self._reports, {}
        return reports
