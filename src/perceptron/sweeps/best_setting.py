"""The best setting of a sweep as an experiment file, which ``sweep.best=<folder>`` reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from perceptron.runs.plain_yaml import as_yaml

# These are random draws or belong to the sweep, not to the setting.
_LEFT_OUT = (
    "seed",
    "data.split_seed",
    "data.fold",
    "data.folds",
    "hparams_search",
    "callbacks.pruning",
    "task_name",
    "paths",
    "logger",
)


def as_experiment(overrides: Mapping[str, Any], *, groups: Sequence[str], comment: str) -> str:
    """YAML of an experiment that makes the same settings.

    Args:
        overrides: value of each key or group, without Hydra's own settings.
        groups: keys that are groups; their values are names of options.
        comment: stands at the top of the file.
    """
    defaults: list[Any] = []
    values: dict[str, Any] = {}
    for key, value in overrides.items():
        if any(key == left_out or key.startswith(f"{left_out}.") for left_out in _LEFT_OUT):
            continue
        if key in groups:
            defaults.append(value if key == "experiment" else {f"override /{key}": value})
        else:
            *path, last = key.split(".")
            node = values
            for part in path:
                node = node.setdefault(part, {})
            node[last] = value
    text = f"# @package _global_\n# {comment}\n"
    text += as_yaml({"defaults": [*defaults, "_self_"], **values})
    return text
