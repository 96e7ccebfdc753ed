"""Text and JSON files, written atomically."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perceptron.errors import UsageError
from perceptron.files.writing import whole_file


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files of a process that was killed while it wrote; nobody else may write there now."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, sync_folder: bool = True) -> None:
    """Write a text file whole; see ``whole_file``."""
    with whole_file(path, sync_folder=sync_folder) as file:
        file.write(text.encode())


def output_path(wanted: str) -> Path:
    """A path that a file can be written to.

    Raises:
        UsageError: where there is no such folder, or a folder stands there.
    """
    path = Path(wanted)
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(
            f"output must be a file in a folder that is there, got {wanted}; make the folder or name another"
        )
    return path


def print_json(values: Mapping[str, Any]) -> None:
    """Print values as JSON."""
    print(json.dumps(_finite(values), indent=2, ensure_ascii=False, allow_nan=False))


def write_json(path: Path, values: Mapping[str, Any], *, sync_folder: bool = True) -> None:
    """Write values as JSON, whole. A number that is not finite becomes null: JSON knows none."""
    text = json.dumps(_finite(values), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(path, text, sync_folder=sync_folder)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
