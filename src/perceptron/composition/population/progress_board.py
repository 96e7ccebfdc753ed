"""The progress of the shares of a population, on one bar."""

import multiprocessing
from collections.abc import Sequence

from perceptron.callbacks import EpochBar


class Board:
    """The progress of each share: written by the processes that train, shown by the one that waits.

    Args:
        sizes: number of members of each share.
        max_epochs: of each share.
        shown: whether there is a bar.

    Attributes:
        epochs: that each share has behind it.
        living: members of each share that are still in training.
    """

    def __init__(self, sizes: Sequence[int], max_epochs: Sequence[int], *, shown: bool) -> None:
        self._sizes, self._max_epochs = sizes, max_epochs
        self.epochs = multiprocessing.RawArray("d", len(sizes))
        self.living = multiprocessing.RawArray("q", list(sizes))
        self._bar: EpochBar | None = None
        if shown:
            total = sum(size * epochs for size, epochs in zip(sizes, max_epochs, strict=True))
            self._bar = EpochBar("epochs of members", total=total)

    @property
    def is_shown(self) -> bool:
        """Whether somebody sees it."""
        return self._bar is not None and self._bar.is_shown

    def show(self) -> None:
        """Move the bar, where enough time has passed."""
        if self._bar is not None and self._bar.is_due:
            completed = sum(size * epochs for size, epochs in zip(self._sizes, self.epochs, strict=True))
            self._bar.move(int(completed), f"members {sum(self.living)}")

    def end(self, number: int) -> None:
        """A share is trained."""
        self.epochs[number], self.living[number] = self._max_epochs[number], 0

    def stop(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
