"""The weights that a run reports: those that ModelCheckpoint considers the best, whatever the file's name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import ModelCheckpoint


def reporting_rule(rules: Iterable[ModelCheckpoint], monitor: str) -> ModelCheckpoint | None:
    """The ModelCheckpoint whose best weights are reported: the first that monitors the run's metric, else the first.

    Args:
        rules: ModelCheckpoint callbacks, in the order of the configuration.
        monitor: the metric that the run monitors.

    Returns:
        None if none has kept a best checkpoint.
    """
    scored = [rule for rule in rules if rule.best_model_score is not None]
    own = [rule for rule in scored if rule.monitor == monitor]
    return next(iter([*own, *scored]), None)


def best_entry(
    folder: Path,
    config: Mapping[str, Any],
    *,
    metrics: Mapping[str, float],
    rule: ModelCheckpoint | None = None,
    last: float | None = None,
) -> dict[str, Any] | None:
    """The best value of the monitored metric, and the path of its checkpoint relative to the run's folder.

    Args:
        folder: of the run.
        config: plain configuration.
        metrics: of the reported weights.
        rule: the ModelCheckpoint that has kept them; None if none has.
        last: the metric's last value, for a run without best checkpoint.

    Returns:
        ``monitor``, ``mode``, ``value`` and ``checkpoint``, which is None outside the folder; None without a value.
    """
    if rule is None:
        return None if last is None else _entry(config["monitor"], config["mode"], last, None)
    assert rule.monitor is not None  # noqa: S101
    assert rule.best_model_score is not None  # noqa: S101
    value = rule.best_model_score.item()
    if not rule.every_n_epochs:
        # Written between two validations, with the score of the earlier one.
        value = metrics.get(rule.monitor, value)
    path, root = Path(rule.best_model_path).resolve(), folder.resolve()
    checkpoint = str(path.relative_to(root)) if path.is_relative_to(root) else None
    return _entry(rule.monitor, rule.mode, value, checkpoint)


def _entry(monitor: str, mode: str, value: float, checkpoint: str | None) -> dict[str, Any]:
    return {"monitor": monitor, "mode": mode, "value": value, "checkpoint": checkpoint}
