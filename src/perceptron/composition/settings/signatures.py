"""The arguments that a class or a function takes, by its dotted name: the schema of a part.

Those of torch's optimizers and schedules and of this project's stand in a table, so that a command line is checked
before torch is imported, which takes a second or more. Other targets are imported.
"""

import collections.abc
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import version
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hydra.utils import get_object

from perceptron.composition.settings.argument_types import Argument
from perceptron.composition.settings.schema.constraints import AT_LEAST_1
from perceptron.composition.settings.torch_signatures import SIGNATURES, TORCH_VERSION

# What the project itself passes to the class of an optimizer or a schedule, and to a function.
_PASSED_TO_CLASSES = ("params", "optimizer")
_PASSED_TO_FUNCTIONS = ("optimizer", "max_epochs", "total_steps")
# Names in annotations that a module imports for type checkers alone, as torch's do.
_NAMES_OF_ANNOTATIONS = {**vars(typing), **vars(collections.abc)}
# What Lightning takes beside a schedule of torch: how often it steps, and the metric of one that follows a metric.
LIGHTNING_ARGUMENTS: Mapping[str, Argument] = MappingProxyType(
    {"interval": Argument(Literal["epoch", "step"]), "frequency": Argument(AT_LEAST_1), "monitor": Argument(str)}
)
_TYPES_OF_DEFAULTS = {bool: bool, int: float, float: float, str: str}


def signature_of(target: str) -> Mapping[str, Argument] | None:
    """Arguments of a target by their names, without those that the project passes.

    Returns:
        None where the target cannot be imported or takes any argument.
    """
    known = SIGNATURES.get(target)
    if known is not None and (not target.startswith("torch.") or _is_table_current()):
        return {**known, **(LIGHTNING_ARGUMENTS if target.startswith("torch.optim.lr_scheduler.") else {})}
    return _imported_signature(target)


def read_signature(found: Callable[..., Any]) -> dict[str, Argument] | None:
    """Arguments that a class or a function declares, without those that the project passes.

    Args:
        found: the class or the function.

    Returns:
        None where it has no signature or takes any argument.
    """
    try:
        parameters = inspect.signature(found).parameters.values()
        hints = get_type_hints(found.__init__ if inspect.isclass(found) else found, localns=_NAMES_OF_ANNOTATIONS)
    # Whatever evaluating an annotation raises.
    except Exception:
        return None
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
        return None
    passed = _PASSED_TO_CLASSES if inspect.isclass(found) else _PASSED_TO_FUNCTIONS
    own = [each for each in parameters if each.name not in passed and each.kind is not inspect.Parameter.VAR_POSITIONAL]
    types = {each.name: _TYPES_OF_DEFAULTS.get(type(each.default), Any) for each in own} | hints
    return {
        each.name: Argument(_plain(types[each.name]), is_required=each.default is inspect.Parameter.empty)
        for each in own
    }


@cache
def _is_table_current() -> bool:
    return version("torch").split("+")[0] == TORCH_VERSION


@cache
def _imported_signature(target: str) -> Mapping[str, Argument] | None:
    try:
        found = get_object(target)
    # Whatever importing a user's module raises; who builds the part says what is wrong with its target.
    except Exception:
        return None
    if not callable(found):
        return None
    arguments = read_signature(found)
    bases = (f"{base.__module__}.{base.__qualname__}" for base in getattr(found, "__mro__", ()))
    if arguments is not None and "torch.optim.lr_scheduler.LRScheduler" in bases:
        arguments |= LIGHTNING_ARGUMENTS
    return arguments


def _plain(hint: Any) -> Any:
    """An annotation without tensors and torch's objects, which no configuration holds, and any sequence as a list."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        kept = [_plain(option) for option in inner if not _is_torchs(option)]
        return Union[tuple(kept)] if kept else Any  # noqa: UP007
    if origin is Callable:
        return Callable
    if origin is tuple:
        return tuple[tuple(map(_plain, inner))]  # type: ignore[misc]
    if inspect.isclass(origin) and issubclass(list, origin):
        return list[_plain(inner[0])]  # type: ignore[misc]
    return Any if _is_torchs(hint) else hint


def _is_torchs(hint: Any) -> bool:
    return inspect.isclass(hint) and hint.__module__.startswith("torch")


def source(hint: Any) -> str:
    """An annotation as the text of an expression, for the table."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " | ".join(map(source, inner))
    if origin is Literal:
        return f"Literal[{_joined(map(repr, inner))}]".replace("'", '"')
    if origin is not None:
        return f"{origin.__name__}[{_joined(map(source, inner))}]"
    return "None" if hint is NoneType else str(getattr(hint, "__name__", hint))


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(texts)
