"""The files that a data set's function is told to read."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from perceptron.errors import UsageError
from perceptron.files.reading import kind_of

# A folder, such as load_files takes, has a folder for each class.
_INSIDE = "*/*"


def check_named_files(dataset: Callable[..., Any]) -> None:
    """Check that no argument of a data set's function makes it wait for a writer or read without an end.

    Args:
        dataset: with its arguments, of which those that name no file are passed over.

    Raises:
        UsageError: for a FIFO, a socket or a device, itself or in a folder, and for the number of an open file.
    """
    for name, value in dataset.keywords.items() if isinstance(dataset, partial) else ():
        for item in value if isinstance(value, list | tuple) else (value,):
            if name in ("f", "files") and isinstance(item, int):
                raise UsageError(f"data.dataset.{name} must be a file's name, got the number {item}; set it to a path")
            for path in _paths(item):
                kind = _kind(path)
                if kind not in (None, "folder"):
                    raise UsageError(
                        f"data.dataset.{name} must name regular files, got the {kind} {path}; save its contents as a "
                        "file"
                    )


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, str | Path):
        yield Path(value)
        if _kind(Path(value)) == "folder":
            yield from Path(value).glob(_INSIDE)


def _kind(path: Path) -> str | None:
    try:
        return kind_of(path.stat().st_mode)
    # None of a name such as "auto", of one too long for a file's, and of one with a null byte.
    except (OSError, ValueError):
        return None
