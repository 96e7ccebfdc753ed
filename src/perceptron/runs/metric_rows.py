"""The rows of a table of metrics."""

from collections.abc import Mapping
from typing import Any

_TWINS = ("loss", "log_loss")


def metric_rows(metrics: Mapping[str, Any]) -> dict[str, str]:
    """What each row is called, by the metric's name without its split, in the order of the metrics.

    Without label smoothing a classifier's loss is its log loss: where they do not differ in four decimals on any split,
    one row has the names of both.

    Args:
        metrics: values under names like ``test/acc``; None or NaN where one is not defined.
    """
    rows = {name: name for name in dict.fromkeys(name.partition("/")[2] for name in metrics)}
    loss, log_loss = _TWINS
    if log_loss in rows and all(
        _shown(metrics[name]) == _shown(metrics.get(f"{split}/{loss}"))
        for name in metrics
        for split, _, metric in [name.partition("/")]
        if metric == log_loss
    ):
        del rows[log_loss]
        rows[loss] = f"{loss} = {log_loss}"
    return rows


def _shown(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, int | float) else str(value)
