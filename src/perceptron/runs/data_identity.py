"""The data set, the target and the split of a run, by its settings of the group ``data``; used to compare runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FILES = ("path", "test_path", "features")
_SPLIT = ("task", "val_fraction", "test_fraction", "split_seed", "folds", "fold", "group", "time")


def data_source(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data set or files, by their absolute paths, and the target; of a user's data module all its settings.

    Columns that were left out do not matter: the rows are the same.
    """
    if _is_own_module(data):
        return dict(data)
    found = {"dataset": data.get("dataset"), "target": data.get("target")}
    # For arrays, features is a file; for tables it is a list of columns.
    found |= {key: str(Path(data[key]).resolve()) for key in _FILES if isinstance(data.get(key), str)}
    if isinstance(found["target"], str) and found["target"].endswith(".npy"):
        found["target"] = str(Path(found["target"]).resolve())
    return {key: value for key, value in found.items() if value}


def split_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that determine which rows are held out."""
    return {key: data[key] for key in _SPLIT if data.get(key) is not None}


def data_name(data: Mapping[str, Any], chosen: str | None) -> str:
    """Name of the data for a title: the option of the group ``data``, and the file of a user-supplied table.

    A user's data module is named with its settings, for runs with others may have other rows.
    """
    if _is_own_module(data):
        settings = ", ".join(f"{key}={value}" for key, value in data.items() if key not in ("_target_", "seed"))
        return f"{chosen or 'data'} ({settings})" if settings else chosen or "data"
    file = next((data[key] for key in ("path", "features") if isinstance(data.get(key), str)), None)
    return " ".join([chosen or "data", *([] if file is None else [Path(file).name])])


def _is_own_module(data: Mapping[str, Any]) -> bool:
    """Whether the settings are those of a user's data module, which has no splits of this project."""
    return not {"dataset", "split_seed"} <= data.keys()
