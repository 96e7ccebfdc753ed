"""Checks that a stored configuration writes only into the run's own folder."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from perceptron.errors import UsageError
from perceptron.files.containment import is_inside
from perceptron.files.plain_values import nested_values
from perceptron.passwords import without_password

# Groups whose objects write files. Other groups read files, which may lie anywhere.
WRITING_GROUPS = ("callbacks", "logger", "trainer")
# Arguments that name a path even if the value is a bare word, which would lie in the working folder.
_FOLDERS = ("dir", "dirpath", "dirname", "save_dir", "root_dir", "default_root_dir", "folder", "output_dir", "path")
_STORAGE = "storage"


def check_write_paths(config: Mapping[str, Any], folder: Path, *, where: str, trust: Collection[str] = ()) -> None:
    """Check that everything that a stored configuration could write lies in the run's own folder.

    Args:
        config: plain values, whose targets ``check_trusted`` allows.
        folder: of the run.
        where: the file that the configuration comes from, for messages.
        trust: settings, with all settings in them, and classes, with any arguments, that the user admits.

    Raises:
        UsageError: for the first path outside it, and the first database that is not the sweep's own.
    """

    def is_trusted(key: str, value: Any) -> bool:
        target = value.get("_target_") if isinstance(value, dict) else None
        return key in trust or (isinstance(target, str) and target in trust)

    written = config["paths"]["output_dir"] if isinstance(config.get("paths"), Mapping) else None
    if not isinstance(written, str) or not written or not is_inside(written, folder):
        raise _outside("paths.output_dir", written, folder, where=where)
    for group in WRITING_GROUPS:
        for key, value in nested_values(config.get(group), group, without=is_trusted):
            if isinstance(value, str):
                check_path(key, value, folder, where=where)


def check_path(key: str, text: str, folder: Path, *, where: str) -> None:
    """Check one text in a group that writes files.

    Args:
        key: of the setting, with dots.
        text: its value.
        folder: of the run or the sweep.
        where: the file that holds the setting, for messages.

    Raises:
        UsageError: if it is a path outside, or a database that is not the sweep's own.
    """
    name = key.rpartition(".")[2]
    if name == "_target_":
        return
    if name == _STORAGE:
        check_storage(key, text, folder, where=where)
    elif (name in _FOLDERS or name.endswith("_path") or _leaves(text)) and not _is_within(text, folder):
        raise _outside(key, text, folder, where=where)


def check_storage(key: str, url: str, folder: Path, *, where: str) -> None:
    """Check that a search's database is the file ``search.db`` of the sweep that the folder is or belongs to.

    Args:
        key: setting, with dots.
        url: in SQLAlchemy's form.
        folder: of the run or the sweep.
        where: the file that holds the setting, for messages.

    Raises:
        UsageError: if it is another file.
    """
    parts = urlsplit(url)
    # SQLite takes only a URL without options for a mere file name.
    path = Path(parts.path[1:])
    is_file = parts.scheme == "sqlite" and not (parts.netloc or parts.query or parts.fragment) and path.is_absolute()
    sweep = path.parent
    is_own = is_inside(folder, sweep) and (sweep / "multirun.yaml").is_file() and is_inside(path, sweep)
    if not (is_file and path.name == "search.db" and is_own):
        raise UsageError(
            f"a stored configuration must use the search.db of its own sweep, got {key}={without_password(url)} in "
            f"{where}; if you know it, type 'trust=[{key}]'"
        )


def _leaves(text: str) -> bool:
    """Whether a text could name a path outside the folder that its object writes to; ``val/loss`` could not."""
    is_relative = not (text.startswith(("/", "~", "\\")) or "://" in text or "$" in text)
    return not is_relative or ".." in text.replace("\\", "/").split("/")


def _is_within(text: str, folder: Path) -> bool:
    """Whether a path lies in a folder, whatever the folder it is relative to and however it is expanded."""
    # Lightning replaces $NAME by the environment's variable, and joins relative paths to others.
    below = text.removeprefix(f"{folder.resolve()}/")
    return "$" not in below and (Path(text).is_absolute() or ".." not in Path(text).parts) and is_inside(text, folder)


def _outside(key: str, value: Any, folder: Path, *, where: str) -> UsageError:
    return UsageError(
        f"a stored configuration must write into its own folder {folder}, got {key}={value} in {where}; if you know "
        f"it, type 'trust=[{key}]'"
    )
