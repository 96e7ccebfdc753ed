"""Values that no training row had, counted while rows are encoded."""

from collections import Counter

# Columns that are named in a line.
_MOST_COLUMNS = 5


class Novelties:
    """How many rows of which columns hold what no training row had.

    Attributes:
        rows: rows looked at.
        unknown: rows of each column whose category is unknown.
        perhaps: rows of each column whose category is unknown or was too rare to be kept, which cannot be told apart.
        missing: rows of each column that miss a value, where no training row missed one.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.unknown: Counter[str] = Counter()
        self.perhaps: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()

    @property
    def lines(self) -> list[str]:
        """One line for each kind that there is."""
        unknown = "answered as an unknown category"
        told = (
            (self.unknown, "values that no training row had", unknown),
            (self.perhaps, "values that no or few training rows had", unknown),
            (
                self.missing,
                "no value, where every training row had one",
                "answered as the usual or an unknown one",
            ),
        )
        return [f"{what}: {_columns(counts, self.rows)}; {how}" for counts, what, how in told if counts.total()]


def _columns(counts: Counter[str], rows: int) -> str:
    named = [f"column {name} in {count}" for name, count in counts.most_common(_MOST_COLUMNS) if count]
    named[0] += f" of {rows} rows"
    more = len(+counts) - len(named)
    return ", ".join(named) + (f", and {more} more columns" if more > 0 else "")
