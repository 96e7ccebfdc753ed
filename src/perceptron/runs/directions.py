"""Which way a stored metric improves: what the runs that hold it say, or our own table; never guessed."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from perceptron.errors import UsageError
from perceptron.tasks import Direction, direction_of


def stored_directions(provenance: Mapping[str, Any]) -> dict[str, Direction]:
    """Directions that a run has stored, by the metrics' names without their split; none of a run that stored none."""
    found = provenance.get("directions")
    pairs = found.items() if isinstance(found, Mapping) else ()
    return {str(name): direction for name, direction in pairs if direction in get_args(Direction)}


def agreed_direction(
    metric: str, stored: Iterable[Mapping[str, Direction]], *, typed: Direction | None = None, fix: str
) -> Direction:
    """The direction in which a metric of several runs improves.

    Args:
        metric: such as ``val/acc``.
        stored: what each of the runs says, see ``stored_directions``.
        typed: what the user says of runs that do not say it.
        fix: what to do where nobody knows; the end of a line.

    Raises:
        UsageError: where neither the runs, our table nor the user says it, or where they contradict one another.
    """
    name = metric.rpartition("/")[2]
    said = {directions[name] for directions in stored if name in directions}
    if len(said) > 1:
        raise UsageError(
            f"runs are ranked by a metric that improves in one direction, got both min and max for {metric}; name "
            "runs that agree"
        )
    known = said.pop() if said else direction_of(metric)
    if known is None and typed is None:
        raise UsageError(f"whether a larger {metric} is better must be known, got runs that do not say; {fix}")
    if known is not None and typed not in (None, known):
        raise UsageError(f"mode must be {known} for {metric}, got {typed}; leave mode out")
    return known or typed  # type: ignore[return-value]
