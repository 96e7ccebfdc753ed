"""Checks a part's plain arguments against the type annotations of its target.

A class may store an argument of the wrong type, and fail only when training uses it: in Lightning's EarlyStopping,
``min_delta=[]`` does so at the end of the first epoch.
"""

from collections.abc import Callable, Mapping
from functools import cache
from inspect import isclass
from pathlib import Path, PurePath
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hydra.utils import get_object

from perceptron.errors import UsageError

_NAMES = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text", Path: "a path", NoneType: "null",
    dict: "a mapping", list: "a list", tuple: "a list", Callable: "a function",
}  # fmt: skip


def check_argument_types(part: Any, name: str) -> None:
    """Check all arguments in a part of a configuration, and in the parts within it.

    Arguments without annotation, and those that another object is made for, are not checked.

    Args:
        part: plain values, and perhaps objects; a mapping with ``_target_`` is what an object is made of.
        name: its key, for messages.

    Raises:
        UsageError: for the first argument whose type differs from the annotation.
    """
    if isinstance(part, list):
        for item in part:
            check_argument_types(item, name)
    if not isinstance(part, Mapping):
        return
    expected = _annotations(part["_target_"]) if isinstance(part.get("_target_"), str) else {}
    for key, value in part.items():
        check_argument_types(value, f"{name}.{key}")
        if key in expected and not _fits(value, expected[key]):
            raise UsageError(
                f"{name}.{key} must be {_described(expected[key])} for {part['_target_']}, got {value}; change "
                f"{name}.{key}"
            )


@cache
def _annotations(target: str) -> dict[str, Any]:
    """Annotations of a target's parameters; empty if it has none, or they or the target itself cannot be resolved."""
    try:
        found = get_object(target)
        hints = get_type_hints(found.__init__ if isclass(found) else found)
    # Whatever importing a module or evaluating an annotation raises; instantiate says what is wrong with a target.
    except Exception:
        return {}
    return {key: hint for key, hint in hints.items() if key not in ("return", "args", "kwargs")}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type; True for a part, and if the annotation is of an unknown kind."""
    if hint is Any or (isinstance(value, Mapping) and "_target_" in value):
        return True
    origin, inner = get_origin(hint), [option for option in get_args(hint) if option is not ...]
    if origin in (Union, UnionType):
        return any(_fits(value, option) for option in inner)
    if origin is Literal:
        return value in inner
    kind = origin or hint
    if not isclass(kind):
        return True
    if kind is bool:
        # 0 and 1 are taken for false and true.
        return value in (0, 1)
    if kind is float:
        return isinstance(value, int | float)
    if issubclass(kind, PurePath):
        return isinstance(value, str | PurePath)
    try:
        if isinstance(value, list) and (kind is tuple or issubclass(list, kind)):
            return not inner or all(any(_fits(item, option) for option in inner) for item in value)
        if isinstance(value, dict) and issubclass(dict, kind):
            return len(inner) < 2 or all(_fits(item, inner[1]) for item in value.values())
        return isinstance(value, kind)
    # Protocols that cannot be checked at run time.
    except TypeError:
        return True


def _described(hint: Any) -> str:
    """An annotated type in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_described, inner)))
    if origin is Literal:
        return " or ".join(map(str, inner))
    kind = origin or hint
    if isclass(kind) and kind not in _NAMES and issubclass(list, kind):
        kind = list
    return _NAMES.get(kind) or f"a {getattr(kind, '__name__', kind)}"
