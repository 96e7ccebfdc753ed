"""The arguments that a class or a function takes, by its dotted name: the schema of a part.

Those of this project, torch.optim, Lightning, torchmetrics and scikit-learn stand in a table, so that a
command line is checked before torch is imported, which takes a second or more. Other targets are imported.
"""

import ast
import collections.abc
import inspect
import textwrap
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hydra.utils import get_object

from perceptron.composition.settings.argument_types import Argument, Signature
from perceptron.composition.settings.signature_table import SIGNATURES, VERSIONS
from perceptron.errors import UsageError, causes, reason
from perceptron.spelling import did_you_mean

# Classes that decide what the project passes to a part and which constraints its arguments have.
KNOWN_BASES = (
    "lightning.pytorch.callbacks.EarlyStopping", "lightning.pytorch.callbacks.ModelCheckpoint",
    "perceptron.data.TableDataModule", "perceptron.models.BinaryClassifier", "perceptron.models.MulticlassClassifier",
    "perceptron.models.Regressor", "perceptron.models.TaskModule", "torch.optim.Optimizer",
    "torch.optim.lr_scheduler.LRScheduler",
)  # fmt: skip
# What Lightning takes beside a schedule of torch: how often it steps, and the metric of one that follows a metric.
LIGHTNING_ARGUMENTS: Mapping[str, Argument] = {
    "interval": Argument(Literal["epoch", "step"]), "frequency": Argument(int), "monitor": Argument(str),
}  # fmt: skip
# Names in annotations that a module imports for type checkers alone, as torch's do.
_NAMES_OF_ANNOTATIONS = {**vars(typing), **vars(collections.abc)}
_NAMES_OF_TABLE = {each.__name__: each for each in (Argument, PurePath, Signature)} | {
    "Any": Any, "Callable": Callable, "Literal": Literal,
}  # fmt: skip
_TYPES_OF_DEFAULTS = {bool: bool, int: float, float: float, str: str}
_DISTRIBUTIONS = {"sklearn": "scikit-learn"}
_PLAIN = (bool, int, float, str, NoneType)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def signature_of(target: str, key: str) -> Signature | None:
    """The arguments that a target takes.

    Args:
        target: its dotted name.
        key: of the part, for messages.

    Returns:
        None where Python knows no signature of it.

    Raises:
        UsageError: where it cannot be imported, or is a misspelt name of a module whose public names are in the table.
    """
    if target in SIGNATURES and _is_current(target.partition(".")[0]):
        return _of_table(target)
    _check_name(target)
    try:
        found = get_object(target)
    # Whatever importing a user's module raises.
    except Exception as error:
        raise UsageError(
            f"{key}._target_ must be what can be imported, got {target}: {reason(causes(error)[-1], lines=1)}; change "
            f"{key}._target_"
        ) from error
    return _read(found) if callable(found) else None


def _check_name(target: str) -> None:
    module, _, name = target.rpartition(".")
    known = [other.rpartition(".")[2] for other in SIGNATURES if other.rpartition(".")[0] == module]
    near = did_you_mean(name, known)
    if name not in known and near.startswith("did you mean"):
        raise UsageError(f"there is no {target}; {near.replace('did you mean ', f'did you mean {module}.')}")


def read_signature(found: Callable[..., Any]) -> Signature | None:
    """The arguments that a class or a function declares.

    Where its keyword arguments are only handed on, to the constructor of the base class or to the class that the
    function returns, those of that class are among them.

    Args:
        found: the class or the function.

    Returns:
        None where it has no signature.
    """
    arguments: dict[str, Argument] = {}
    # A constructor in C tells nothing.
    takes_any = inspect.isclass(found) and any("__new__" in vars(base) for base in found.__mro__[:-1])
    for depth, function in enumerate(_constructors(found)):
        try:
            parameters = inspect.signature(function).parameters.values()
        except (ValueError, TypeError):
            return None
        own = [each for each in parameters if each.kind not in _VARIADIC and each.name not in ("self", "cls")]
        hints = _hints(function)
        for each in own:
            hint = hints[each.name] if each.name in hints else _type_of_default(each.default, function)
            is_required = depth == 0 and each.default is inspect.Parameter.empty
            arguments.setdefault(each.name, Argument(plain_type(hint), is_required=is_required))
        keywords = [each.name for each in parameters if each.kind is inspect.Parameter.VAR_KEYWORD]
        takes_any = bool(keywords)
        set_there = _handed_on(function, keywords[0]) if keywords else None
        if set_there is None:
            break
        # The others are set for good.
        arguments |= {name: Argument(None) for name in set_there - set(arguments)}
    arguments = {name: each for name, each in arguments.items() if each.hint is not None}
    bases = [*_known_bases(found)]
    if "torch.optim.lr_scheduler.LRScheduler" in bases:
        arguments |= LIGHTNING_ARGUMENTS
    return Signature(arguments, takes_any=takes_any, bases=tuple(bases))


@cache
def _of_table(target: str) -> Signature:
    # The table is code of the project.
    return eval(SIGNATURES[target], dict(_NAMES_OF_TABLE))  # type: ignore[no-any-return]  # noqa: S307


@cache
def _read(found: Callable[..., Any]) -> Signature | None:
    return read_signature(found)


def installed(package: str) -> str:
    """Version of an installed package, by the name that it is imported by, without what names a build."""
    return version(_DISTRIBUTIONS.get(package, package)).split("+")[0]


@cache
def _is_current(package: str) -> bool:
    """Whether the table was made with the installed version of a package."""
    try:
        return package == "perceptron" or installed(package) == VERSIONS[package]
    except PackageNotFoundError:
        return True


def _constructors(found: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """The function that gets the arguments, and those that it may hand them on to."""
    if not inspect.isclass(found):
        yield found
        made = _hints(found).get("return")
        if not inspect.isclass(made):
            return
        found = made
    # torchmetrics' that stand for a class of each task have a constructor of this kind.
    name = "__new__" if inspect.isfunction(found.__new__) else "__init__"
    for base in found.__mro__[:-1]:
        if name in vars(base):
            yield getattr(base, name)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, localns=_NAMES_OF_ANNOTATIONS)
    # Whatever evaluating an annotation raises.
    except Exception:
        return {}


def _handed_on(function: Callable[..., Any], keywords: str) -> set[str] | None:
    """Names that stand beside a function's keyword arguments in the only call that they are handed on by.

    Returns:
        None where they are used otherwise, or the code is not there.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    made = getattr(_hints(function).get("return"), "__name__", None)
    calls = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("super().__init__", made)
        and any(each.arg is None and ast.unparse(each.value) == keywords for each in node.keywords)
    ]  # fmt: skip
    uses = sum(isinstance(node, ast.Name) and node.id == keywords for node in ast.walk(tree))
    return {each.arg for each in calls[0].keywords if each.arg} if len(calls) == uses == 1 else None


def _type_of_default(default: Any, function: Callable[..., Any]) -> Any:
    # scikit-learn annotates nothing, takes several types for most arguments, and checks them itself.
    is_sklearns = (function.__module__ or "").startswith("sklearn.")
    return Any if is_sklearns else _TYPES_OF_DEFAULTS.get(type(default), Any)


def _known_bases(found: Callable[..., Any]) -> Iterator[str]:
    """Public names of a class and its bases that are among ``KNOWN_BASES``."""
    made = found if inspect.isclass(found) else _hints(found).get("return")
    for base in getattr(made, "__mro__", ()):
        module = base.__module__
        while module:
            if (name := f"{module}.{base.__qualname__}") in KNOWN_BASES:
                yield name
            module = module.rpartition(".")[0]


def plain_type(hint: Any) -> Any:
    """An annotation as what a configuration can hold: without classes of other objects, and any sequence as a list."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        options = [plain_type(option) for option in inner if not _is_object(option)]
        return Union[tuple(options)] if options else Any  # noqa: UP007
    if origin is Literal or hint in _PLAIN:
        return hint
    if Callable in (origin, hint) or hint is typing.Callable:
        return Callable
    kind = origin or hint
    if not inspect.isclass(kind):
        return Any
    if issubclass(kind, PurePath):
        return PurePath
    if kind is tuple and inner:
        return tuple[tuple(each if each is ... else plain_type(each) for each in inner)]  # type: ignore[misc]
    if _is_base(kind, list):
        return list[plain_type(inner[0])] if inner else list  # type: ignore[misc]
    if _is_base(kind, dict):
        return dict[plain_type(inner[0]), plain_type(inner[1])] if len(inner) == 2 else dict  # type: ignore[misc]
    return tuple if kind is tuple else Any


def _is_base(kind: type, of: type) -> bool:
    try:
        return issubclass(of, kind)
    # Protocols and typed dictionaries that cannot be asked.
    except TypeError:
        return False


def _is_object(hint: Any) -> bool:
    """Whether a class is one whose objects no configuration holds."""
    return inspect.isclass(hint) and hint is not NoneType and plain_type(hint) is Any
