"""What a finished run brings to a comparison: its setting, what chance decided, its metrics."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from perceptron.errors import UsageError
from perceptron.runs.directions import stored_directions
from perceptron.runs.folder import Run
from perceptron.runs.rows import name_of, table_of
from perceptron.runs.stored_values import read_text, read_yaml
from perceptron.sweeps.statistics import NAN, Draw
from perceptron.tasks import Direction

GROUPS = ("data", "model", "optimizer", "scheduler", "trainer", "callbacks")
_BATCHES = ("batch_size", "eval_batch_size", "num_workers")
# Beside the seed of the split: which rows are tested.
_TESTED = ("fold", "folds", "test_fraction")
# What chance decides, and where things lie.
_NO_SETTING = (
    "seed", "figures", "data.split_seed", "data.fold", "train", "test", "task_name", "tags", "ckpt_path", "paths",
    "logger", "callbacks.pruning", "metrics",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A finished run.

    Attributes:
        folder: where it lies.
        data: identifies the table: runs on different tables are not compared.
        title: its name for people.
        choices: option of each group in ``GROUPS``.
        setting: flat configuration without what chance decides; values as short texts.
        draw: what chance decided.
        shares: share of the table's rows in each of the splits ``train``, ``val`` and ``test``.
        monitor: name of the monitored metric.
        metrics: values under names like ``test/acc``; NaN where one is not defined.
        seconds: how long it took.
        figures: which it drew.
        directions: which way its metrics improve, by their names without the split, as far as the run says.
    """

    folder: Path
    data: str
    title: str
    choices: Mapping[str, str]
    setting: Mapping[str, str]
    draw: Draw
    shares: Mapping[str, float]
    monitor: str
    metrics: Mapping[str, float]
    seconds: float
    figures: str
    directions: Mapping[str, Direction] = field(default_factory=dict)

    def test_per_train(self, metric: str) -> float:
        """Rows that a split measures a metric on, per row that it does not; see ``statistics.estimate``.

        Two splits measure a metric on training rows on mostly the same rows, which this says too. A metric whose name
        tells no split is taken to be measured on validation or on test rows, whichever are more.
        """
        train, val, test = (self.shares[split] for split in ("train", "val", "test"))
        others = {"train": val + test, "val": train, "test": train + val}
        split = metric.partition("/")[0]
        if split not in others:
            return max(self.test_per_train("val/"), self.test_per_train("test/"))
        return self.shares[split] / others[split] if others[split] > 0 else math.inf


def read_finished_run(run: Run) -> FinishedRun:
    """Read a finished run.

    Raises:
        UsageError: where a file of it cannot be read.
    """
    config, origin = run.config, run.provenance
    try:
        data = config["data"]
        tested = 1 / data["folds"] if data.get("folds") else data["test_fraction"]
        validated = data.get("val_fraction") or 0
        # Lightning's settings mean nothing to an estimator.
        groups = ("data", "model") if "estimator" in config["model"] else GROUPS
        kept = {key: config[key] for key in config if key in groups or key not in GROUPS}
        if groups != GROUPS:
            kept["data"] = {key: value for key, value in data.items() if key not in _BATCHES}
        following = _following(run)
        setting = {key: value for key, value in _flat(kept).items() if key not in following}
        # What is drawn by the seed is one table.
        table = {key: value for key, value in _flat(table_of(data), "data").items() if key not in following}
        chosen = origin["chosen"].get("data")
        return FinishedRun(
            folder=run.folder,
            data=f"{chosen} {json.dumps(table, sort_keys=True)}",
            title=name_of(data, chosen),
            choices={group: str(origin["chosen"][group]) for group in groups if group in origin["chosen"]},
            setting=setting,
            draw=_draw(data, seed=config["seed"]),
            shares={"train": 1 - validated - tested, "val": validated, "test": tested},
            monitor=config["monitor"],
            metrics={name: NAN if value is None else float(value) for name, value in run.metrics.items()},
            seconds=float(origin["seconds"]),
            figures=str(config.get("figures")),
            directions=stored_directions(origin),
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"a run must hold its settings and metrics, got {error!r} in {run.folder}; leave it out"
        ) from error


def _draw(data: Mapping[str, Any], *, seed: int) -> Draw:
    """Which rows were tested, and what else chance decided."""
    if data.get("time"):
        return Draw(split="by time", seed=seed)
    if data.get("test_path"):
        # The test rows are given; the split's seed draws validation rows from the others.
        return Draw(split="test rows given", seed=(seed, data["split_seed"]))
    return Draw(split=(data["split_seed"], *map(data.get, _TESTED)), seed=seed)


def varying(results: Sequence[FinishedRun]) -> list[str]:
    """Names of the settings that differ: a group where its option does, a key where it does within an option."""
    columns = [
        group for group in GROUPS if len({result.choices[group] for result in results if group in result.choices}) > 1
    ]
    for key in dict.fromkeys(key for result in results for key in result.setting):
        group = key.partition(".")[0]
        values: dict[str | None, set[str]] = {}
        for result in results:
            if key in result.setting:
                values.setdefault(result.choices.get(group), set()).add(result.setting[key])
        if any(len(found) > 1 for found in values.values()):
            columns.append(key)
    return columns


def _following(run: Run) -> frozenset[str]:
    """Keys that follow from others, such as ``data.seed`` from ``seed``: they are interpolations."""
    text = read_text(run.folder / ".hydra" / "config.yaml")
    try:
        return _interpolated(_PLAIN_VALUE.sub(r"\1 0", text))
    # A value of several lines, of which the first is gone.
    except ValueError:
        return _interpolated(text)


# A key and its value in one line, without a reference to others. Jobs of a sweep differ in such values alone.
_PLAIN_VALUE = re.compile(r"^( *[\w.]+:) (?![|>&*])(?!.*\$\{).+$", re.MULTILINE)


@lru_cache
def _interpolated(text: str) -> frozenset[str]:
    return frozenset(key for key, value in _flat(read_yaml(text)).items() if "${" in value)


def _flat(value: Any, name: str = "") -> dict[str, str]:
    if name and name.startswith(_NO_SETTING) and any(name == key or name.startswith(f"{key}.") for key in _NO_SETTING):
        return {}
    if isinstance(value, Mapping) and value:
        parts = (_flat(item, f"{name}.{key}" if name else str(key)) for key, item in value.items())
        return {key: item for part in parts for key, item in part.items()}
    return {name: value if isinstance(value, str) else json.dumps(value)}
