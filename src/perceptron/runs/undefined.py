"""Numbers that are not defined: how tables show them, and why there are none."""

import math
from collections.abc import Mapping
from typing import Any

# In place of a number that is not defined.
DASH = "\N{EN DASH}"
_LEAST = 0.5e-4
_OF_EVERY_CLASS = "needs rows of every class, and probabilities or scores"
_OF_PROBABILITIES = "needs probabilities, which the model does not give"
_REASONS = {
    "auroc": _OF_EVERY_CLASS,
    "average_precision": _OF_EVERY_CLASS,
    "loss": _OF_PROBABILITIES,
    "log_loss": _OF_PROBABILITIES,
    "ece": _OF_PROBABILITIES,
    "r2": "needs two rows with different targets",
}


def undefined_notes(metrics: Mapping[str, Any]) -> list[str]:
    """A line for each reason why metrics of a run are not defined; empty where all are.

    Args:
        metrics: values under names like ``test/acc``; NaN or None where one is not defined.
    """
    missing = dict.fromkeys(name.partition("/")[2] or name for name, value in metrics.items() if is_undefined(value))
    by_reason: dict[str, list[str]] = {}
    for name in missing:
        by_reason.setdefault(_REASONS.get(name, "has no finite value on these rows"), []).append(name)
    return [f"{DASH} {', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def shown_value(value: Any) -> str:
    """Four decimals, two digits of a number that these would show as 0, and a dash for one that is not defined."""
    if is_undefined(value):
        return DASH
    return f"{value:.2g}" if 0 < abs(value) < _LEAST else f"{value:.4f}"


def is_undefined(value: Any) -> bool:
    """Whether a value is not a number: NaN, or null in JSON files."""
    return not isinstance(value, int | float) or math.isnan(value)
