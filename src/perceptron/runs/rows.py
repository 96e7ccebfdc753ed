"""Which rows a run is about, as its settings of the group ``data`` say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FILES = ("path", "test_path", "features")
_SPLIT = ("task", "val_fraction", "test_fraction", "split_seed", "folds", "fold", "group", "time")


def table_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """What was read, and what was to be learnt of it; files by their whole paths.

    Columns that were left out are no other table: the rows are the same.
    """
    found = {"dataset": data.get("dataset"), "target": data.get("target")}
    # Features of arrays are a file, those of other files columns.
    found |= {key: str(Path(data[key]).resolve()) for key in _FILES if isinstance(data.get(key), str)}
    if isinstance(found["target"], str) and found["target"].endswith(".npy"):
        found["target"] = str(Path(found["target"]).resolve())
    return {key: value for key, value in found.items() if value}


def split_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """What decides which rows of the table are held out."""
    return {key: data[key] for key in _SPLIT if data.get(key) is not None}


def name_of(data: Mapping[str, Any], chosen: str | None) -> str:
    """A table's name for a title: the option of the group ``data``, and the file where it is one's own."""
    file = next((data[key] for key in ("path", "features") if isinstance(data.get(key), str)), None)
    return " ".join([chosen or "data", *([] if file is None else [Path(file).name])])
