"""Whether a plain value is of an annotated type, and the type in words. Imports nothing heavy."""

from collections.abc import Callable, Mapping
from inspect import isclass
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from perceptron.composition.settings.schema.constraints import Constraint

_NAMES = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text", PurePath: "a path",
    NoneType: "null", dict: "a mapping", list: "a list", tuple: "a list", Callable: "a function",
}  # fmt: skip
_PLURALS = {int: "whole numbers", float: "numbers", str: "texts"}


class Argument(NamedTuple):
    """An argument of a class or a function.

    Attributes:
        hint: its annotation, or a constraint.
        is_required: whether it has no default.
    """

    hint: Any
    is_required: bool = False


class Signature(NamedTuple):
    """What a class or a function takes.

    Attributes:
        arguments: by their names.
        takes_any: whether others may be known only when it is called.
        bases: public names of the classes among ``signatures.KNOWN_BASES`` that it is, is derived from or returns.
    """

    arguments: Mapping[str, Argument]
    takes_any: bool = False
    bases: tuple[str, ...] = ()


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type; True for a part, and if the annotation is of an unknown kind."""
    if hint is Any or (isinstance(value, Mapping) and "_target_" in value):
        return True
    if isinstance(hint, Constraint):
        return hint.holds(value)
    origin, inner = get_origin(hint), [option for option in get_args(hint) if option is not ...]
    if origin in (Union, UnionType):
        return any(fits(value, option) for option in inner)
    if origin is Literal:
        return value in inner
    kind = origin or hint
    if not isclass(kind):
        return True
    if kind is bool:
        # 0 and 1 are taken for false and true.
        return value in (0, 1)
    if kind in (int, float):
        return isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if issubclass(kind, PurePath):
        return isinstance(value, str | PurePath)
    try:
        if isinstance(value, list) and (kind is tuple or issubclass(list, kind)):
            has_length = kind is tuple and inner and ... not in get_args(hint)
            if has_length and len(value) != len(inner):
                return False
            return not inner or all(any(fits(item, option) for option in inner) for item in value)
        if isinstance(value, dict) and issubclass(dict, kind):
            pairs = value.items() if len(inner) == 2 else ()
            return all(fits(name, inner[0]) and fits(item, inner[1]) for name, item in pairs)
        return isinstance(value, kind)
    # Protocols that cannot be checked at run time.
    except TypeError:
        return True


def described(hint: Any) -> str:
    """An annotated type in words, without null beside others."""
    if isinstance(hint, Constraint):
        return hint.rule
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        options = [option for option in inner if option is not NoneType] or inner
        return " or ".join(dict.fromkeys(map(described, options)))
    if origin is Literal:
        return " or ".join(map(str, inner))
    kind = origin or hint
    if isclass(kind) and kind not in _NAMES and issubclass(list, kind):
        kind = list
    if kind is tuple and inner and ... not in inner:
        return f"a list of {len(inner)}"
    if kind is list and inner and inner[0] in _PLURALS:
        return f"a list of {_PLURALS[inner[0]]}"
    if kind is dict and len(inner) == 2 and all(each in _PLURALS for each in inner):
        return f"a mapping of {_PLURALS[inner[0]]} to {_PLURALS[inner[1]]}"
    if kind is NoneType:
        # A configuration holds no other object.
        return "null, or settings with a _target_"
    return _NAMES.get(kind) or f"a {getattr(kind, '__name__', kind)}"
