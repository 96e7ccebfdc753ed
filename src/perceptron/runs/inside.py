"""Whether a path stays in a folder: what a file names may lie anywhere, and what is written may not."""

from pathlib import Path


def is_inside(path: str | Path, folder: Path) -> bool:
    """Whether a path lies in a folder, or is the folder, after links and ``..`` are followed.

    Args:
        path: relative paths start at the working folder. A text for which ``starts_elsewhere`` holds lies in no folder.
        folder: that must hold it.
    """
    if isinstance(path, str) and starts_elsewhere(path):
        return False
    try:
        return Path(path).resolve().is_relative_to(folder.resolve())
    # Null bytes, links in a circle, names that are too long.
    except (OSError, RuntimeError, ValueError):
        return False


def starts_elsewhere(text: str) -> bool:
    """Whether Lightning takes a text for a path from a home folder or for a URL, whatever the working folder is.

    To ``Path`` such a text is a relative path, so it would lie in the folder that one stands in.
    """
    return text.startswith("~") or "://" in text
