"""Where a stored configuration may write: into the run's own folder, and nowhere else."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from perceptron.errors import UsageError
from perceptron.files.containment import is_inside
from perceptron.passwords import without_password

# Groups whose objects write files. The others read, and a file to read may lie anywhere.
WRITING_GROUPS = ("callbacks", "logger", "trainer")
# Arguments that are a path even where the value is a bare word, which would lie in the working folder.
_FOLDERS = ("dir", "dirpath", "dirname", "save_dir", "root_dir", "default_root_dir", "folder", "output_dir", "path")
_STORAGE = "storage"


def check_paths(config: Mapping[str, Any], folder: Path, *, where: str, trust: Collection[str] = ()) -> None:
    """Check that all that a stored configuration could write lies in the run's own folder.

    Args:
        config: plain values, whose targets ``check_trusted`` allows.
        folder: of the run.
        where: the file that the configuration comes from, for messages.
        trust: settings, with all below them, and classes, with any arguments, that the user admits on purpose.

    Raises:
        UsageError: for the first path outside, and the first database that is not the sweep's own.
    """
    written = config["paths"]["output_dir"] if isinstance(config.get("paths"), Mapping) else None
    if not isinstance(written, str) or not written or not is_inside(written, folder):
        raise _outside("paths.output_dir", written, folder, where=where)
    for group in WRITING_GROUPS:
        for key, text in _texts(config.get(group), group, trust):
            check_path(key, text, folder, where=where)


def check_path(key: str, text: str, folder: Path, *, where: str) -> None:
    """Check one text of a group that writes.

    Args:
        key: setting, with dots.
        text: its value.
        folder: of the run or the sweep.
        where: the file that it comes from, for messages.

    Raises:
        UsageError: where it is a path outside, or a database that is not the sweep's own.
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
        url: SQLAlchemy's.
        folder: of the run or the sweep.
        where: the file that it comes from, for messages.

    Raises:
        UsageError: where it is another.
    """
    parts = urlsplit(url)
    # Only a URL without options is the name of a file to SQLite and nothing else.
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
    """Whether a text could name a place outside the folder that its object writes to: val/loss could not."""
    is_relative = not (text.startswith(("/", "~", "\\")) or "://" in text or "$" in text)
    return not is_relative or ".." in text.replace("\\", "/").split("/")


def _is_within(text: str, folder: Path) -> bool:
    """Whether a path lies in a folder, whatever folder it starts at and whatever it is expanded to."""
    # Lightning replaces $NAME by the environment's variable, and joins relative paths to others.
    below = text.removeprefix(f"{folder.resolve()}/")
    return "$" not in below and (Path(text).is_absolute() or ".." not in Path(text).parts) and is_inside(text, folder)


def _texts(value: Any, key: str, trust: Collection[str]) -> Iterator[tuple[str, str]]:
    """Every text in a part and its key, without what the user trusts."""
    if key in trust:
        return
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping) and not (isinstance(value.get("_target_"), str) and value["_target_"] in trust):
        for name, item in value.items():
            yield from _texts(item, f"{key}.{name}", trust)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key, trust)


def _outside(key: str, value: Any, folder: Path, *, where: str) -> UsageError:
    return UsageError(
        f"a stored configuration must write into its own folder {folder}, got {key}={value} in {where}; if you know "
        f"it, type 'trust=[{key}]'"
    )
