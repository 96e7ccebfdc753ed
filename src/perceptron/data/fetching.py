"""Data sets that scikit-learn downloads: few seconds of trying, and one line where there is no network."""

import logging
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from http.client import HTTPException
from inspect import signature
from threading import Timer
from typing import Any
from urllib.error import HTTPError, URLError

from sklearn.datasets import get_data_home

from perceptron.data.named_files import check_named_files
from perceptron.errors import UsageError, reason

log = logging.getLogger(__name__)
# scikit-learn's own announcement comes before it is known whether there is a network.
_ANNOUNCED_AFTER = 2.0
# Of one connection, and of one wait for bytes. Python's own default is to wait for ever.
SECONDS = 20.0
# scikit-learn's defaults try four times, a second apart; without a network that is three too many.
_PATIENCE = {"n_retries": 1, "delay": 0.1}
_DOWNLOADS = "download_if_missing"
_is_offline: ContextVar[bool] = ContextVar("is_offline", default=False)


@contextmanager
def offline(is_offline: bool = True) -> Iterator[None]:
    """Download nothing inside: data sets are read from what an earlier download has left, or not at all.

    Args:
        is_offline: False changes nothing.
    """
    before = _is_offline.set(is_offline or _is_offline.get())
    try:
        yield
    finally:
        _is_offline.reset(before)


def read(dataset: Callable[[], Any]) -> Any:
    """What a function that makes or loads a data set returns; one of ``sklearn.datasets.fetch_*`` may download it.

    Raises:
        UsageError: where it cannot be downloaded or must not be, see ``offline``; needs a package that is missing; or
            is told to read what is no regular file.
    """
    check_named_files(dataset)
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
    # fetch_openml has no way to say that it must not.
    if _DOWNLOADS not in signature(dataset).parameters:
        raise UsageError(refused)
    try:
        return dataset(**{_DOWNLOADS: False})
    # Where nothing is there.
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
    """One line where it takes a while, in place of scikit-learn's."""
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
    """Connections that wait no longer than so; without a line for each further try."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Retry downloading from url")
            warnings.filterwarnings("ignore", "A network error occurred while downloading")
            yield
    finally:
        socket.setdefaulttimeout(before)
