"""Checks a part's plain arguments against the type annotations of its target.

A class may store an argument of the wrong type, and fail only when training uses it: in Lightning's EarlyStopping,
``min_delta=[]`` does so at the end of the first epoch.
"""

from collections.abc import Mapping
from functools import cache
from inspect import isclass
from typing import Any, get_type_hints

from hydra.utils import get_object

from perceptron.composition.settings.argument_types import described, fits
from perceptron.errors import UsageError


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
        if key in expected and not fits(value, expected[key]):
            raise UsageError(
                f"{name}.{key} must be {described(expected[key])} for {part['_target_']}, got {value}; change "
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
