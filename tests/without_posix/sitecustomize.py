"""Take away from the project what Windows lacks: ``PYTHONPATH=tests/without_posix python -m pytest``.

Python imports this file when it starts, in the tests' process and in those that tests start. Other packages, which
have their own code for Windows, still see the whole system:

- The project and its tests import ``os``, ``signal`` and ``select`` without the names of POSIX, and no ``fcntl``.
- Text files and standard streams have the encoding of a Western European Windows, unless the code names one.
- Files that this process has open can be neither removed nor replaced.
- multiprocessing starts processes anew instead of forking them.
"""

import builtins
import io
import multiprocessing
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

_CODE_PAGE = "cp1252"
_OWN = ("perceptron", "hydra_plugins", "tests", "__main__")
_MISSING = {
    "os": [
        "O_CLOEXEC",
        "O_DIRECTORY",
        "O_NOFOLLOW",
        "O_NONBLOCK",
        "fork",
        "geteuid",
        "getuid",
        "killpg",
        "mkfifo",
        "posix_fadvise",
        "register_at_fork",
        "posix_fallocate",
        "sched_getaffinity",
        "setsid",
        "statvfs",
        "sysconf",
        "uname",
        "wait3",
    ],
    "signal": [
        "SIGALRM",
        "SIGHUP",
        "SIGKILL",
        "SIGPIPE",
        "SIGSTOP",
        "SIGUSR1",
        "SIGUSR2",
        "pthread_kill",
        "pthread_sigmask",
        "setitimer",
    ],
    "select": ["poll", "epoll"],
}
_MISSING_MODULES = ("fcntl", "grp", "pwd", "resource", "termios", "tty")


class _Reduced(ModuleType):
    """A module without some names; what is set on it is set on the module, and what is deleted again is as it was."""

    def __init__(self, module: ModuleType, missing: list[str]) -> None:
        super().__init__(module.__name__)
        self.__dict__["_module"] = module
        self.__dict__["_missing"] = frozenset(missing)
        self.__dict__["_replaced"] = {}

    def __getattr__(self, name: str) -> Any:
        if name in self._missing:
            raise AttributeError(f"module {self._module.__name__!r} has no {name!r}", name=name, obj=self._module)
        return getattr(self._module, name)

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self._module, name):
            self._replaced.setdefault(name, getattr(self._module, name))
        setattr(self._module, name, value)

    def __delattr__(self, name: str) -> None:
        # pytest's monkeypatch deletes what it has set where this module did not have it itself.
        if name in self._replaced:
            setattr(self._module, name, self._replaced.pop(name))
        else:
            delattr(self._module, name)


def _msvcrt() -> ModuleType:
    import fcntl

    def locking(descriptor: int, mode: int, size: int) -> None:
        assert mode == module.LK_NBLCK
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, size, 0, os.SEEK_CUR)

    module: Any = ModuleType("msvcrt")
    module.LK_NBLCK, module.locking = 2, locking
    return module


_REDUCED = {name: _Reduced(__import__(name), missing) for name, missing in _MISSING.items()}
_OWN_MODULES = {**_REDUCED, "msvcrt": _msvcrt()}
_import = builtins.__import__
_open = io.open


def _import_reduced(
    name: str,
    globals: Mapping[str, object] | None = None,  # noqa: A002
    locals: Mapping[str, object] | None = None,  # noqa: A002
    fromlist: tuple[str, ...] = (),
    level: int = 0,
) -> ModuleType:
    importer = str((globals or {}).get("__name__", "")).partition(".")[0]
    if level == 0 and importer in _OWN:
        if name in _MISSING_MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name in _OWN_MODULES:
            return _OWN_MODULES[name]
    return _import(name, globals, locals, fromlist, level)


def _open_with_code_page(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Callable[[str, int], int] | None = None,
) -> Any:
    if "b" not in mode and encoding in (None, "locale"):
        encoding = _CODE_PAGE
    return _open(file, mode, buffering, encoding, errors, newline, closefd, opener)


def _keeps_open_files(change: Callable[..., None], place: int) -> Callable[..., None]:
    """A function of os that refuses to take the name from a file that this process has open."""

    def checked(*arguments: Any, **named: Any) -> None:
        where = named.get("dir_fd")
        try:
            found = os.stat(arguments[place], dir_fd=where, follow_symlinks=False)
        except (OSError, TypeError, ValueError):
            found = None
        if found is not None and stat.S_ISREG(found.st_mode) and _is_open(found):
            raise PermissionError(13, "The process cannot access the file because it is being used", arguments[place])
        change(*arguments, **named)

    return checked


def _is_open(found: os.stat_result) -> bool:
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            own = os.fstat(int(descriptor.name))
        except OSError:
            continue
        if (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino):
            return True
    return False


class _Popen(subprocess.Popen):  # type: ignore[type-arg]
    """Decodes what a program prints with the code page, as Windows' Python does."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        if (named.get("text") or named.get("universal_newlines")) and not named.get("encoding"):
            named["encoding"] = _CODE_PAGE
        super().__init__(*arguments, **named)


builtins.__import__ = _import_reduced  # type: ignore[assignment]
builtins.open = io.open = _open_with_code_page
subprocess.Popen = _Popen  # type: ignore[misc]
os.replace = _keeps_open_files(os.replace, 1)
os.rename = _keeps_open_files(os.rename, 1)
os.unlink = os.remove = _keeps_open_files(os.unlink, 0)
multiprocessing.set_start_method("spawn")
for _stream in (sys.stdout, sys.stderr):
    if isinstance(_stream, io.TextIOWrapper):
        _stream.reconfigure(encoding=_CODE_PAGE)
