"""The metrics that parts of a run monitor, and the direction in which each improves. Imports nothing heavy."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from perceptron.composition.settings.metrics_group import check_monitored_class, direction_of
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean
from perceptron.tasks import Direction

# Lightning's callbacks that compare values of a metric; their default mode is min.
_COMPARING = ("EarlyStopping", "ModelCheckpoint")
_LIGHTNINGS_MODE = "min"


def check_monitors(values: Mapping[str, Any], logged: Collection[str] | None) -> None:
    """Check the monitor and the mode of each part.

    Args:
        values: the whole configuration, resolved.
        logged: names that the run logs; None where they are unknown.

    Raises:
        UsageError: for a metric that is not logged, a mode that is missing or contradicts the metric's direction, or
            two modes for one metric.
    """
    said: dict[str, tuple[str, str]] = {}
    for prefix, monitor, mode in _monitored(values):
        key = f"{prefix}mode"
        if logged is not None and monitor not in logged:
            raise _not_logged(prefix, monitor, logged)
        known = direction_of(monitor, values["metrics"])
        if known is None and mode is None:
            check_monitored_class(monitor, values["metrics"])
            raise UsageError(
                f"{key} is required for {monitor}, whose direction is not known; "
                f"set {key}=max where a larger value is better, or {key}=min"
            )
        if known is not None and mode != known:
            raise UsageError(f"{key} must be {known} for {monitor}, got {mode}; set {key}={known}")
        other_key, other = said.setdefault(_name(monitor), (key, mode))
        if other != mode:
            raise UsageError(
                f"{_name(monitor)} must improve in one direction, got {other_key}={other} and {key}={mode}; "
                "set both to the same"
            )


def check_logged(values: Mapping[str, Any], logged: Collection[str], *, has_validated: bool = False) -> None:
    """Check the monitored metrics against those that the first epoch of a training has logged.

    Args:
        values: the whole configuration, typed or plain.
        logged: names of the metrics so far.
        has_validated: whether those of validation rows are among them, or will never be.

    Raises:
        UsageError: for the first monitored metric that is not logged.
    """
    has_validated = has_validated or any(name.startswith("val/") for name in logged)
    for prefix, monitor, _ in _monitored(values):
        if monitor not in logged and (has_validated or not str(monitor).startswith("val/")):
            raise _not_logged(prefix, monitor, logged)


def _not_logged(prefix: str, monitor: str, logged: Collection[str]) -> UsageError:
    return UsageError(
        f"{prefix}monitor must be a metric that this run logs, got {monitor}; {did_you_mean(str(monitor), logged)}"
    )


def directions(values: Mapping[str, Any], metrics: Iterable[str]) -> dict[str, Direction]:
    """Known directions of metrics, by their names without the split.

    Args:
        values: the whole configuration, checked.
        metrics: names such as ``test/acc``; those whose direction is unknown are left out.
    """
    said: dict[str, Any] = {_name(monitor): mode for _, monitor, mode in _monitored(values)}
    own = values["metrics"]
    found = {_name(metric): direction_of(metric, own) or said.get(_name(metric)) for metric in metrics}
    return {name: direction for name, direction in found.items() if direction is not None}


def _monitored(values: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """For each part that monitors a metric: the prefix of its keys, the metric and the mode."""
    yield "", values["monitor"], values["mode"]
    callbacks = ((f"callbacks.{name}.", part) for name, part in values["callbacks"].items())
    for prefix, part in (("scheduler.", values["scheduler"]), *callbacks):
        if not isinstance(part, Mapping) or "monitor" not in part:
            continue
        if "mode" in part:
            yield prefix, part["monitor"], part["mode"]
        elif part["monitor"] is not None and str(part.get("_target_")).rpartition(".")[2] in _COMPARING:
            is_known = direction_of(part["monitor"], values["metrics"]) is not None
            yield prefix, part["monitor"], _LIGHTNINGS_MODE if is_known else None


def _name(monitor: str) -> str:
    return monitor.rpartition("/")[2]
