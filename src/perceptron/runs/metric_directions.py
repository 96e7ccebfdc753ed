"""Whether a stored metric is minimised or maximised: as the runs or the built-in table say, and never guessed."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from perceptron.errors import UsageError
from perceptron.tasks import Direction, direction_of


def stored_directions(provenance: Mapping[str, Any]) -> dict[str, Direction]:
    """Directions that a run has stored, by the metrics' names without their split; empty if it stored none."""
    found = provenance.get("directions")
    pairs = found.items() if isinstance(found, Mapping) else ()
    return {str(name): direction for name, direction in pairs if direction in get_args(Direction)}


def agreed_direction(
    metric: str, stored: Iterable[Mapping[str, Direction]], *, typed: Direction | None = None, fix: str
) -> Direction:
    """The direction in which a metric of several runs improves.

    Args:
        metric: such as ``val/acc``.
        stored: directions that each of the runs has stored, see ``stored_directions``.
        typed: the user's, for runs that have stored none.
        fix: what the user can do if no direction is known; the end of a line.

    Raises:
        UsageError: if no direction is known, or two contradict each other.
    """
    name = metric.rpartition("/")[2]
    found = {directions[name] for directions in stored if name in directions}
    if len(found) > 1:
        raise UsageError(
            f"runs are ranked by a metric that improves in one direction, got both min and max for {metric}; name "
            "runs that agree"
        )
    known = found.pop() if found else direction_of(metric)
    if known is None and typed is None:
        raise UsageError(f"whether a larger {metric} is better must be known, got runs that do not say; {fix}")
    if known is not None and typed not in (None, known):
        raise UsageError(f"mode must be {known} for {metric}, got {typed}; leave mode out")
    return known or typed  # type: ignore[return-value]
