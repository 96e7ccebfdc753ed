"""What there is to say about the data of jobs, said once for all jobs that it concerns."""

import logging
from collections.abc import Collection, Iterable
from typing import Any

from perceptron.composition.population.groups import Group, in_words
from perceptron.population import Member

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

    def add(self, texts: Iterable[str], numbers: Iterable[int], level: int = logging.WARNING) -> None:
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
        member, same_updates = group.member, group.updates.get(group.first.number)
        self._add_entries(member, "table", group.numbers)
        self._add_entries(
            member, "settings", [number for number in group.numbers if group.updates.get(number) == same_updates]
        )
        splits = {group.splits.get(number) for number in group.numbers}
        # Interpolations give jobs different splits by the same text.
        if len(splits) == 1 and "${" not in str(splits):
            self._add_entries(member, "split", group.numbers)

    def say(self, *, of_all: str = "") -> None:
        """Log what was added since the last call.

        Args:
            of_all: what stands before a line that concerns all jobs of the sweep.
        """
        for text, (level, numbers) in self._waiting.items():
            named = f"job{'s' * (len(numbers) > 1)} {in_words(numbers)}: "
            log.log(level, "%s%s", of_all if numbers >= self._all else named, text)
            self._said.setdefault(text, set()).update(numbers)
        self._waiting.clear()

    def _add_entries(self, member: Member, about: str, numbers: Collection[int]) -> None:
        entries: Any = getattr(member.entries, about)
        for record in entries:
            self.add([record.getMessage()], numbers, record.levelno)
