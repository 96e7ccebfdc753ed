"""Finished runs as a ranking takes them: the setting, the random draw, and the metrics. Imports nothing heavy."""

import json
import math
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from perceptron.errors import UsageError
from perceptron.files.plain_values import read_text, read_yaml
from perceptron.runs.data_identity import data_name, data_source
from perceptron.runs.folder import RENAMED_TARGETS, Run
from perceptron.runs.metric_directions import stored_directions
from perceptron.tasks import Direction

GROUPS = ("data", "model", "optimizer", "scheduler", "trainer", "callbacks")
_BATCHES = ("batch_size", "eval_batch_size", "num_workers")
# With the seed of the split, these decide which rows are tested.
_TESTED = ("fold", "folds", "test_fraction")
# Random draws, and names of places and records.
_NO_SETTING = (
    "seed", "figures", "data.split_seed", "data.fold", "train", "test", "task_name", "tags", "ckpt_path", "paths",
    "logger", "callbacks.pruning", "metrics",
)  # fmt: skip


class Draw(NamedTuple):
    """The random choices of a run. Runs with the same draw can be paired.

    Attributes:
        split: which rows are tested, such as ``(split_seed, fold)``.
        seed: of weights, row order and noise.
    """

    split: Hashable
    seed: Hashable


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A finished run.

    Attributes:
        folder: the run's folder.
        data: identifies the table: runs on different tables are not compared.
        title: the table's name for people.
        choices: option of each group in ``GROUPS``.
        setting: flat configuration without random draws; values as short texts.
        draw: the random draw.
        shares: share of the table's rows in each of the splits ``train``, ``val`` and ``test``.
        monitor: name of the monitored metric.
        metrics: values under names like ``test/acc``; NaN where undefined.
        seconds: duration.
        figures: the setting ``figures``.
        directions: direction in which each metric improves, by its name without the split, if the run stored it.
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

    def value_of(self, name: str) -> str:
        """Option of a group or value of a setting; empty if the run has none of that name."""
        return self.choices.get(name) or self.setting.get(name, "")

    def test_per_train(self, metric: str) -> float:
        """Number of rows that a metric is measured on, divided by that of the others; see ``statistics.estimate``.

        Training rows are mostly the same in any two splits, which the ratio shows too. A metric without a split in its
        name is taken to be measured on validation or on test rows, whichever are more.
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
        UsageError: if one of its files cannot be read.
    """
    config, origin = run.config, run.provenance
    try:
        data = config["data"]
        # A user's data module does not say how many rows it holds out.
        tested = 1 / data["folds"] if data.get("folds") else data.get("test_fraction", 0)
        validated = data.get("val_fraction") or 0
        # Lightning's settings do not apply to an estimator.
        groups = ("data", "model") if "estimator" in config["model"] else GROUPS
        kept = {key: config[key] for key in config if key in groups or key not in GROUPS}
        if groups != GROUPS:
            kept["data"] = {key: value for key, value in data.items() if key not in _BATCHES}
        following = _following(run)
        setting = {key: value for key, value in _flat(kept).items() if key not in following}
        # Tables that differ only in a seed are one.
        table = {key: value for key, value in _flat(data_source(data), "data").items() if key not in following}
        chosen = origin["chosen"].get("data")
        return FinishedRun(
            folder=run.folder,
            data=f"{chosen} {json.dumps(table, sort_keys=True)}",
            title=data_name(data, chosen),
            choices={group: str(origin["chosen"][group]) for group in groups if group in origin["chosen"]},
            setting=setting,
            draw=_draw(data, seed=config["seed"]),
            shares={"train": 1 - validated - tested, "val": validated, "test": tested},
            monitor=config["monitor"],
            metrics={name: math.nan if value is None else float(value) for name, value in run.metrics.items()},
            seconds=float(origin["seconds"]),
            figures=str(config.get("figures")),
            directions=stored_directions(origin),
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"a run must hold its settings and metrics, got {error!r} in {run.folder}; leave it out"
        ) from error


def _draw(data: Mapping[str, Any], *, seed: int) -> Draw:
    """The random draw of a run."""
    if "split_seed" not in data:
        return Draw(split="that of the data module", seed=seed)
    if data.get("time"):
        return Draw(split="by time", seed=seed)
    if data.get("test_path"):
        # The test rows are fixed; the split's seed draws validation rows from the others.
        return Draw(split="test rows given", seed=(seed, data["split_seed"]))
    return Draw(split=(data["split_seed"], *map(data.get, _TESTED)), seed=seed)


def differing_settings(results: Sequence[FinishedRun]) -> list[str]:
    """Names of the settings that differ: groups with different options, and keys that differ within an option."""
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
    """Keys whose values follow from others by interpolation, such as ``data.seed`` from ``seed``."""
    text = read_text(run.folder / ".hydra" / "config.yaml")
    try:
        return _interpolated(_PLAIN_VALUE.sub(r"\1 0", text))
    # The substitution cut a value of several lines.
    except ValueError:
        return _interpolated(text)


# A key and its value in one line, without an interpolation. The jobs of a sweep differ only in such values: with these
# replaced, their texts are equal and are parsed once.
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
    return {name: RENAMED_TARGETS.get(value, value) if isinstance(value, str) else json.dumps(value)}
