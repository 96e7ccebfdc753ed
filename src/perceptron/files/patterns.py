"""Files that a path or a pattern names. Imports nothing heavy."""

import glob
from pathlib import Path

from perceptron.errors import UsageError


def matching_files(path: str, setting: str, *, folder: Path | None = None) -> list[Path]:
    """Files that a path or pattern names, in the order of their names.

    Args:
        path: of a file, which may begin with ``~``, or a pattern of files.
        setting: that names the path, for the message.
        folder: that a relative path starts from; by default the working folder.

    Raises:
        UsageError: if there is none.
    """
    whole = (folder or Path()) / Path(path).expanduser()
    # A file may have the characters of a pattern in its name.
    files = [whole] if whole.exists() else [Path(name) for name in sorted(glob.glob(str(whole), recursive=True))]  # noqa: PTH207
    if not files:
        raise UsageError(f"{setting} must be a file or a pattern of files, got {path}, which is none; set {setting}")
    return files
