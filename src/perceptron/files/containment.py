"""Whether paths stay inside a folder that somebody else may have prepared."""

import os
from pathlib import Path

from perceptron.errors import UsageError
from perceptron.files.reading import kind_of


def is_inside(path: str | Path, folder: Path) -> bool:
    """Whether a path lies in a folder, or is the folder, once links and ``..`` are resolved.

    Args:
        path: relative paths start at the working folder. A text that ``is_home_or_url`` lies in no folder.
        folder: that must contain it.
    """
    if isinstance(path, str) and is_home_or_url(path):
        return False
    try:
        resolved = Path(path).resolve()
        # From Python 3.13 on, what is still a link is one of a circle.
        return not resolved.is_symlink() and resolved.is_relative_to(folder.resolve())
    # Null bytes, links in a circle, names that are too long.
    except (OSError, RuntimeError, ValueError):
        return False


def is_home_or_url(text: str) -> bool:
    """Whether Lightning takes a text for a path in a home folder or for a URL, whatever the working folder is.

    ``Path`` takes such a text for a relative path, which would lie in the working folder.
    """
    return text.startswith("~") or "://" in text


def check_contained(folder: Path, *, within: Path | None = None) -> None:
    """Check that writing under any name in a folder stays in the folder and does not block.

    Loggers, Hydra and databases follow links when they open a file or make a folder, so this check precedes them.
    A link that stays in the folder is harmless.

    Args:
        folder: of a run or a sweep; it need not exist.
        within: the folder that must contain it; None if the user has named it.

    Raises:
        UsageError: if a link at any depth leads out of it, or it contains a FIFO, socket or device.
    """
    if within is not None and folder.is_symlink():
        _check_link(folder, within.resolve())
    root = folder.resolve()
    left = [str(root)] if root.is_dir() else []
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    _check_link(Path(entry.path), root)
                elif entry.is_dir():
                    left.append(entry.path)
                elif not entry.is_file():
                    kind = kind_of(entry.stat(follow_symlinks=False).st_mode)
                    raise UsageError(f"a run's folder must hold files alone, got the {kind} {entry.path}; delete it")


def _check_link(path: Path, root: Path) -> None:
    # For links that lead to each other, Python before 3.13 raises RuntimeError, and later ones leave a link.
    try:
        target = path.resolve()
    except (OSError, RuntimeError):
        target = path
    if target.is_symlink():
        raise UsageError(f"a run's folder must not hold links to themselves, got {path}; delete it")
    if not target.is_relative_to(root):
        raise UsageError(
            f"a run's folder must not hold links that lead out of it, got {path} to {target}; replace it by a copy, "
            "or delete it"
        )
