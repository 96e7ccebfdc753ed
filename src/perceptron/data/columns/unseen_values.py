"""Values that did not occur in the training rows, counted while other rows are encoded."""

from collections import Counter

# Columns that a message names.
_MOST_COLUMNS = 5


class UnseenValues:
    """Numbers of rows whose values did not occur in the training rows, by column.

    Attributes:
        rows: number of rows that were encoded.
        unknown: rows with a category that no training row had.
        perhaps: rows with a category that no training row had, or that was too rare to be kept: the codes do not tell.
        missing: rows without a value, in columns in which every training row had one.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.unknown: Counter[str] = Counter()
        self.perhaps: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()

    @property
    def lines(self) -> list[str]:
        """A message for each of the three counts that is not zero."""
        unknown = "answered as an unknown category"
        told = (
            (self.unknown, "values that no training row had", unknown),
            (self.perhaps, "values that no or few training rows had", unknown),
            (self.missing, "no value, where every training row had one", "answered as the usual or an unknown one"),
        )
        return [f"{what}: {_columns(counts, self.rows)}; {how}" for counts, what, how in told if counts.total()]


def _columns(counts: Counter[str], rows: int) -> str:
    named = [f"column {name} in {count}" for name, count in counts.most_common(_MOST_COLUMNS) if count]
    named[0] += f" of {rows} rows"
    more = len(+counts) - len(named)
    return ", ".join(named) + (f", and {more} more columns" if more > 0 else "")
