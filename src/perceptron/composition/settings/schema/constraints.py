"""What the value of a setting must be, to stand beside its type in a schema. Imports nothing heavy."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from functools import cache
from typing import Any

from perceptron.errors import UsageError

_METADATA = "constraint"


@dataclass(frozen=True)
class Constraint:
    """What a value must be, beside its type.

    Attributes:
        rule: in words, to stand behind "must be".
        holds: whether a value that is not None obeys it.
        shown: the text of a value for an error message.
    """

    rule: str
    holds: Callable[[Any], bool]
    shown: Callable[[Any], str] = str


def setting(default: Any, constraint: Constraint) -> Any:
    """A field of a schema whose values obey a constraint.

    Args:
        default: value, or a function without arguments that makes it.
        constraint: for values other than None.
    """
    metadata = {_METADATA: constraint}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@cache
def constraints_of(schema: type) -> dict[str, Constraint]:
    """Constraint of each field of a schema that has one."""
    all_fields: tuple[Field[Any], ...] = fields(schema)
    return {each.name: each.metadata[_METADATA] for each in all_fields if _METADATA in each.metadata}


def check_constraint(key: str, value: Any, constraint: Constraint) -> None:
    """Check one value.

    Raises:
        UsageError: where it breaks the constraint.
    """
    if value is not None and not constraint.holds(value):
        raise UsageError(f"{key} must be {constraint.rule}, got {constraint.shown(value)}; set {key}")


def number(holds: Callable[[float], bool]) -> Callable[[Any], bool]:
    """A test for numbers, which no other value passes, not even a bool."""
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and holds(value)


def one_of(*names: str) -> Constraint:
    """Any of these texts, or what YAML makes of one, such as the number 32."""
    return Constraint(f"one of {', '.join(names)}", lambda value: str(value) in names)


# torch ends with an error where it must take a number that single precision does not have.
_LARGEST = 3.4028234663852886e38


def _number_shown(value: Any) -> str:
    is_too_large = isinstance(value, float) and _LARGEST < value < float("inf")
    return f"{value}, which single precision does not have" if is_too_large else str(value)


AT_LEAST_0 = Constraint("at least 0", number(lambda value: 0 <= value <= _LARGEST), _number_shown)
AT_LEAST_1 = Constraint("at least 1", number(lambda value: value >= 1))
AT_LEAST_2 = Constraint("at least 2", number(lambda value: value >= 2))
ABOVE_0 = Constraint("above 0", number(lambda value: 0 < value <= _LARGEST), _number_shown)
SHARE = Constraint("in [0, 1)", number(lambda value: 0 <= value < 1))
OPEN_SHARE = Constraint("in (0, 1)", number(lambda value: 0 < value < 1))
OPEN_SHARE_OR_AUTO = Constraint("in (0, 1), or auto", lambda value: value == "auto" or OPEN_SHARE.holds(value))
TWO_SHARES = Constraint(
    "two numbers in [0, 1)",
    lambda value: isinstance(value, Sequence) and len(value) == 2 and all(map(SHARE.holds, value)),
)
SEED = Constraint("from 0 to 2**32 - 1", number(lambda value: 0 <= value < 2**32))
WIDTHS = Constraint(
    "a list of widths of at least 1",
    lambda value: isinstance(value, Sequence) and all(isinstance(width, int) and width >= 1 for width in value),
)
COUNT_OR_NO_END = Constraint("at least 1, or -1 for no end", number(lambda value: value >= 1 or value == -1))
COUNT_OR_ALL = Constraint("at least 0, or -1 for all", number(lambda value: value >= -1))
WHOLE_COUNT_OR_ALL = Constraint(
    "a whole number of at least 0, or -1 for all", lambda value: isinstance(value, int) and value >= -1
)
COUNT_OR_SHARE = Constraint(
    "a number of batches of at least 0 or a share in [0, 1]",
    number(lambda value: value >= 0 and (isinstance(value, int) or value <= 1)),
)
TRUE_FALSE_OR_AUTO = Constraint("one of auto, true, false", lambda value: value == "auto" or isinstance(value, bool))
DIRECTION = one_of("min", "max")
FOLDER = Constraint("a folder", lambda value: str(value).strip() != "")
FOLDER_NAME = Constraint(
    "a folder's name of letters, digits, _, - and .", lambda value: re.fullmatch(r"\w[\w.-]*", str(value)) is not None
)


def _is_date_form(value: Any) -> bool:
    """Whether a text has known directives of strptime, a year among them."""
    directives = re.findall(r"%(.?)", value) if isinstance(value, str) else []
    return bool({"Y", "y"} & set(directives)) and set(directives) <= set("YymdbBjaAHIMSfpzZ%")


def _are_date_forms(value: Any) -> bool:
    forms = value.values() if isinstance(value, Mapping) else [value]
    return all(form is None or form == "ISO8601" or _is_date_form(form) for form in forms)


DATE_FORMS = Constraint("a form such as %d/%m/%Y, or one for each column, as {day: '%d/%m/%Y'}", _are_date_forms)
