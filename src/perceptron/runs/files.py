"""Files that are written whole or not at all."""

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from perceptron.errors import UsageError


@contextmanager
def whole_file(path: Path, *, sync_folder: bool = True) -> Iterator[IO[bytes]]:
    """A file to write to, that takes its place under ``path`` only when all of it is on the disk.

    The bytes go to a temporary file beside ``path``, which is synced and renamed; the folder is synced too. After an
    exception the temporary file is gone and what stood under ``path`` still stands there.

    Args:
        path: where the file shall stand.
        sync_folder: whether to wait until its name is on the disk too, so that it survives a power cut.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp gives 0600; a result is as readable as any other new file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync_folder:
        _sync_folder(path.parent)


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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
