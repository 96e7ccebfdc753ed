"""Files that a path or a pattern names. Imports nothing heavy."""

import glob
import os
from pathlib import Path

from perceptron.errors import UsageError, reason


def matching_files(path: str, setting: str, *, folder: Path | None = None) -> list[Path]:
    """Files that a path or pattern names, in the order of their names.

    Args:
        path: of a file, which may begin with ``~``, or a pattern of files.
        setting: that names the path, for the message.
        folder: that a relative path starts from; by default the working folder.

    Raises:
        UsageError: if there is none, or its folder cannot be read.
    """
    # Unlike that of Path, it leaves the home folder of an unknown user as it is.
    typed, start = os.path.expanduser(path), folder or Path()  # noqa: PTH111
    try:
        # A file may have the characters of a pattern in its name.
        if (start / typed).is_dir():
            raise UsageError(
                f"{setting} must be a file or a pattern of files, got the folder {path}; name its files, such as "
                f"{path.rstrip('/')}/*.csv"
            )
        if (start / typed).exists():
            return [start / typed]
        files = [start / name for name in sorted(glob.glob(typed, root_dir=start, recursive=True))]  # noqa: PTH207
    except OSError as error:
        raise UsageError(
            f"{setting} must be a file that can be read, got {reason(error, lines=1)}; set {setting}"
        ) from error
    if not files:
        raise UsageError(f"{setting} must be a file or a pattern of files, got {path}, which is none; set {setting}")
    return files
