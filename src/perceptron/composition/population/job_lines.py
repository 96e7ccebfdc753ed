"""What there is to say about the data of jobs, said once for all jobs that it concerns."""

import logging
from collections.abc import Collection, Iterable

from perceptron.composition.population.groups import Group
from perceptron.sweeps.failures import named_jobs

log = logging.getLogger(__name__)


class JobLines:
    """Lines about jobs, each with their numbers.

    Args:
        numbers: of all jobs of the sweep.
    """

    def __init__(self, numbers: Collection[int]) -> None:
        self._all = set(numbers)
        # Level and jobs of each line.
        self._waiting: dict[str, tuple[int, set[int]]] = {}
        self._said: dict[str, set[int]] = {}

    def add(self, texts: Iterable[str], numbers: Collection[int], level: int = logging.WARNING) -> None:
        """Add lines that concern the same jobs; those that were said about them are left out."""
        for text in texts:
            new = set(numbers) - self._said.get(text, set())
            if new:
                self._waiting.setdefault(text, (level, set()))[1].update(new)

    def add_group(self, group: Group) -> None:
        """Add what is known of a group before it is trained.

        What stands out in a split belongs to it where all jobs have the same one; that of other splits is known when
        they are encoded.
        """
        entries, update = group.member.entries, group.updates.get(group.first.number)
        self._add_entries(entries.table, group.numbers)
        self._add_entries(entries.settings, [each for each in group.numbers if group.updates.get(each) == update])
        splits = {group.splits.get(number) for number in group.numbers}
        # Interpolations give jobs different splits by the same text.
        if len(splits) == 1 and "${" not in str(splits):
            self._add_entries(entries.split, group.numbers)

    def say(self, *, of_all: str = "") -> None:
        """Log what was added since the last call.

        Args:
            of_all: what stands before a line that concerns all jobs of the sweep.
        """
        for text, (level, numbers) in self._waiting.items():
            named = f"{named_jobs(numbers)}: "
            log.log(level, "%s%s", of_all if numbers >= self._all else named, text)
            self._said.setdefault(text, set()).update(numbers)
        self._waiting.clear()

    def _add_entries(self, entries: Iterable[logging.LogRecord], numbers: Collection[int]) -> None:
        for entry in entries:
            self.add([entry.getMessage()], numbers, entry.levelno)
