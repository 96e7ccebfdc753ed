"""How metrics are shown in tables: numbers, row labels, and notes on undefined values."""

import math
from collections.abc import Mapping
from typing import Any, get_args

from perceptron.tasks import SplitName
from perceptron.terminal.text import DASH

# Below the results of a run, on the terminal and on its page.
HOW_TO_READ = "docs/reading-the-results.md explains these numbers and the figures"
_MOST = 1e12
# Smaller numbers would be shown as 0.0000.
_LEAST = 0.5e-4
_NEEDS_EVERY_CLASS = "needs rows of every class, and probabilities or scores"
_NEEDS_PROBABILITIES = "needs probabilities, which the model does not give"
_REASONS = {
    "auroc": _NEEDS_EVERY_CLASS,
    "average_precision": _NEEDS_EVERY_CLASS,
    "loss": _NEEDS_PROBABILITIES,
    "log_loss": _NEEDS_PROBABILITIES,
    "ece": _NEEDS_PROBABILITIES,
    "r2": "needs two rows with different targets",
}


def format_value(value: Any) -> str:
    """A number with four decimals, with two digits if these would show 0, or a dash if it is undefined.

    From 1e12 on, single precision has no decimals to show: six digits and the power of ten.
    """
    if is_undefined(value):
        return DASH
    if abs(value) >= _MOST:
        return f"{value:.6g}"
    return f"{value:.2g}" if 0 < abs(value) < _LEAST else f"{value:.4f}"


def is_undefined(value: Any) -> bool:
    """Whether a metric has no value: NaN, or null in JSON files."""
    return not isinstance(value, int | float) or math.isnan(value)


def row_labels(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Label of each row of a table, by the metric's name without its split, in the order of the metrics.

    Without label smoothing a classifier's loss equals its log loss: if the two agree in four decimals on every split,
    they share a row, whose label has both names.

    Args:
        metrics: values under names like ``test/acc``; None or NaN if undefined.
    """
    rows = {name: name for name in dict.fromkeys(name.partition("/")[2] for name in metrics)}
    if "log_loss" in rows and all(
        _rounded(value) == _rounded(metrics.get(f"{split}/loss"))
        for split, metric, value in ((*name.split("/", 1), value) for name, value in metrics.items() if "/" in name)
        if metric == "log_loss"
    ):
        del rows["log_loss"]
        rows["loss"] = "loss = log_loss"
    return rows


def metric_table(metrics: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Names of the splits that have metrics, and a row of texts for each metric: its label and a value for each split.

    Args:
        metrics: values under names like ``test/acc``; None or NaN if undefined.
    """
    splits = [split for split in get_args(SplitName) if any(name.startswith(f"{split}/") for name in metrics)]
    rows = []
    of_splits = {name: value for name, value in metrics.items() if name.partition("/")[0] in splits}
    for name, label in row_labels(of_splits).items():
        keys = [f"{split}/{name}" for split in splits]
        rows.append([label, *(format_value(metrics[key]) if key in metrics else "" for key in keys)])
    return splits, rows


def other_metrics(metrics: Mapping[str, Any]) -> list[list[str]]:
    """Name and value of each metric whose name does not start with a split, as a user's model may log them."""
    others = {name: value for name, value in metrics.items() if name.partition("/")[0] not in get_args(SplitName)}
    return [[name, format_value(value)] for name, value in others.items()]


def undefined_notes(metrics: Mapping[str, Any]) -> list[str]:
    """A line for each reason why metrics of a run are undefined; empty if all are defined.

    Args:
        metrics: values under names like ``test/acc``; None or NaN if undefined.
    """
    missing = dict.fromkeys(name.partition("/")[2] or name for name, value in metrics.items() if is_undefined(value))
    by_reason: dict[str, list[str]] = {}
    for name in missing:
        by_reason.setdefault(_REASONS.get(name, "has no finite value on these rows"), []).append(name)
    return [f"{DASH} {', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def _rounded(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, int | float) else str(value)
