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
    """

    def __init__(self, sizes: Sequence[int], max_epochs: Sequence[int], *, shown: bool) -> None:
        self._sizes, self._max_epochs = sizes, max_epochs
        self._epochs = multiprocessing.RawArray("d", len(sizes))
        self._living = multiprocessing.RawArray("q", list(sizes))
        self._drawn = multiprocessing.RawArray("q", len(sizes))
        self._to_draw = multiprocessing.RawArray("q", len(sizes))
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
            completed = sum(size * epochs for size, epochs in zip(self._sizes, self._epochs, strict=True))
            to_draw = sum(self._to_draw)
            figures = f"  figures of {sum(self._drawn)} of {to_draw} jobs" if to_draw else ""
            self._bar.move(int(completed), f"members {sum(self._living)}{figures}")

    def trains(self, number: int, epochs: float, living: int) -> None:
        """A share has so many epochs behind it, and so many members that are still in training."""
        self._epochs[number], self._living[number] = epochs, living

    def draws(self, number: int, n_drawn: int, n_jobs: int) -> None:
        """A share has drawn the figures of so many of its jobs, of those that get any."""
        self._drawn[number], self._to_draw[number] = n_drawn, n_jobs

    def end(self, number: int) -> None:
        """A share is trained, and its figures are drawn."""
        self.trains(number, self._max_epochs[number], 0)
        self.draws(number, self._to_draw[number], self._to_draw[number])

    def stop(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
