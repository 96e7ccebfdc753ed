"""Whether a path stays in a folder: what a file names may lie anywhere, and what is written may not."""

from pathlib import Path


def is_inside(path: str | Path, folder: Path) -> bool:
    """Whether a path lies in a folder, or is the folder, after links and ``..`` are followed.

    Args:
        path: relative paths start at the working folder.
        folder: that must hold it.
    """
    try:
        return Path(path).resolve().is_relative_to(folder.resolve())
    # Null bytes, links in a circle, names that are too long.
    except (OSError, RuntimeError, ValueError):
        return False
