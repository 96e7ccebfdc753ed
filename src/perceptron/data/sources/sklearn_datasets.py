"""Data sets of scikit-learn's functions, with a timeout and one-line errors for downloads."""

import logging
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from http.client import HTTPException
from inspect import signature
from pathlib import Path
from threading import Timer
from typing import Any
from urllib.error import HTTPError, URLError

from sklearn.datasets import get_data_home

from perceptron.errors import UsageError, reason
from perceptron.files.reading import kind_of

log = logging.getLogger(__name__)
# scikit-learn announces a download before it knows whether there is a network.
_ANNOUNCED_AFTER = 2.0
# Timeout of a connection and of each wait for bytes. Python's default is to wait for ever.
SECONDS = 20.0
# scikit-learn tries four times, a second apart; without a network one attempt is enough.
_PATIENCE = {"n_retries": 1, "delay": 0.1}
_DOWNLOADS = "download_if_missing"
# load_files takes a folder with a folder for each class.
_INSIDE = "*/*"
_is_offline: ContextVar[bool] = ContextVar("is_offline", default=False)


@contextmanager
def offline(is_offline: bool = True) -> Iterator[None]:
    """Forbid downloads in the context: data sets are read only from earlier downloads.

    Args:
        is_offline: False leaves the current state as it is.
    """
    before = _is_offline.set(is_offline or _is_offline.get())
    try:
        yield
    finally:
        _is_offline.reset(before)


def read(dataset: Callable[[], Any]) -> Any:
    """Call the function of a data set; one of ``sklearn.datasets.fetch_*`` may download it.

    Raises:
        UsageError: if it cannot be downloaded or must not be, see ``offline``; needs a package that is missing; or
            is told to read what is no regular file.
    """
    _check_named_files(dataset)
    function = dataset.func if isinstance(dataset, partial) else dataset
    name = getattr(function, "__name__", "")
    if not name.startswith("fetch_"):
        return dataset()
    given = dataset.keywords if isinstance(dataset, partial) else {}
    known = signature(function).parameters
    patience = {key: value for key, value in _PATIENCE.items() if key in known and key not in given}
    if _is_offline.get():
        return _read_offline(dataset, name, given)
    try:
        with _announced(name, given), _patient(SECONDS):
            return dataset(**patience)
    except HTTPError as error:
        error.close()
        raise UsageError(_refused(name, f"{error.code} {error.reason} from {error.url}", given)) from error
    except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
        cause = getattr(error, "reason", None) or error
        said = reason(cause) if isinstance(cause, BaseException) else str(cause)
        raise UsageError(_refused(name, said, given)) from error
    except ImportError as error:
        raise UsageError(f"{name} needs a package that is missing: {reason(error)}; install it") from error


def _read_offline(dataset: Callable[..., Any], name: str, given: dict[str, Any]) -> Any:
    refused = (
        f"a stored configuration must not download anything, got {name}, which is not in {_home(given)}; if you know "
        f"it, type 'trust=[sklearn.datasets.{name}]'"
    )
    # fetch_openml has no argument that forbids a download.
    if _DOWNLOADS not in signature(dataset).parameters:
        raise UsageError(refused)
    try:
        return dataset(**{_DOWNLOADS: False})
    # Without an earlier download.
    except OSError as error:
        raise UsageError(refused) from error


def _refused(name: str, said: str, given: dict[str, Any]) -> str:
    return (
        f"{name} needs the network or what an earlier download left in {_home(given)}, got: {said}; "
        "connect, or let SCIKIT_LEARN_DATA name a folder that has it"
    )


def _home(given: dict[str, Any]) -> str:
    return str(get_data_home(given.get("data_home")))


@contextmanager
def _announced(name: str, given: dict[str, Any]) -> Iterator[None]:
    """Log a line if it takes a while, in place of scikit-learn's announcement."""
    theirs = logging.getLogger("sklearn.datasets")
    level = theirs.level
    theirs.setLevel(logging.WARNING)
    waiting = Timer(_ANNOUNCED_AFTER, log.info, [f"{name} is being read, or downloaded into {_home(given)}"])
    waiting.daemon = True
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()
        theirs.setLevel(level)


@contextmanager
def _patient(seconds: float) -> Iterator[None]:
    """Limit the time that connections wait, and silence the warnings about further attempts."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Retry downloading from url")
            warnings.filterwarnings("ignore", "A network error occurred while downloading")
            yield
    finally:
        socket.setdefaulttimeout(before)


def _check_named_files(dataset: Callable[..., Any]) -> None:
    """Refuse special files in the arguments of a data set's function: a FIFO blocks, and a device has no end.

    Args:
        dataset: with its arguments; those that do not name files are ignored.

    Raises:
        UsageError: for a FIFO, a socket or a device, also inside a folder, and for the number of an open file.
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
    # A text such as "auto", one that is too long for a file name, or one with a null byte.
    except (OSError, ValueError):
        return None
