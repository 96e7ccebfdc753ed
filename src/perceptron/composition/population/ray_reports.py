"""How far the tasks of a Ray cluster are. A process of its own imports this, so it imports nothing heavy."""


class ProgressReports:
    """Takes the reports of tasks for the driver; an actor of Ray."""

    def __init__(self) -> None:
        self._reports: dict[int, tuple[float, int]] = {}

    def report(self, number: int, epochs: float, living: int) -> None:
        """Take a report.

        Args:
            number: of the share.
            epochs: that the share has behind it.
            living: members of the share that are still in training.
        """
        self._reports[number] = epochs, living

    def taken(self) -> dict[int, tuple[float, int]]:
        """The latest report of each share that has reported since the last call."""
        reports, self._reports = self._reports, {}
        return reports
