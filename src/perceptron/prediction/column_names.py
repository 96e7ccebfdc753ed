"""Checks that the columns of a file are the model's features."""

from collections import Counter
from collections.abc import Collection, Sequence

from perceptron.errors import UsageError

_SHOWN = 5


def check_columns(
    found: Sequence[str], *, wanted: Sequence[str], row_id: str | None, ignored: Collection[str], source: str
) -> None:
    """Check that a file has each feature once, and nothing else that is not named.

    Args:
        found: names of the file's columns, in any order.
        wanted: names of the model's features.
        row_id: column that names the rows; None for none.
        ignored: columns to be left out.
        source: the file, for messages.

    Raises:
        UsageError: naming the columns that are missing, extra or there twice.
    """
    known = {*wanted, *ignored, *([row_id] if row_id else [])}
    counts = Counter(found)
    twice = [name for name, count in counts.items() if count > 1]
    missing = [name for name in (*wanted, *([row_id] if row_id else [])) if name not in counts]
    extra = [name for name in found if name not in known]
    faults = [
        f"{what} {_few(names)}" for what, names in (("twice", twice), ("missing", missing), ("extra", extra)) if names
    ]
    if faults:
        advice = f"; leave extra ones out with 'ignore=[{','.join(extra[:_SHOWN])}]'" if extra and not missing else ""
        raise UsageError(
            f"input must have the model's {len(wanted)} columns, got {'; '.join(faults)} in {source}{advice}"
        )


def check_count(count: int, *, wanted: Sequence[str], source: str) -> None:
    """Check a file without names.

    Raises:
        UsageError: if it has not as many columns as the model has features.
    """
    if count != len(wanted):
        raise UsageError(
            f"input without column names must have the model's {len(wanted)} columns, got {count} in {source}; "
            f"it must start with {_few(wanted)}"
        )


def _few(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
