"""Objects that parts of the configuration name by ``_target_``; a mistake is one line."""

import logging
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf

from perceptron.errors import UsageError, causes, reason

# It logs what it then raises.
logging.getLogger("hydra.utils").setLevel(logging.CRITICAL)


def instance(part: DictConfig | Mapping[str, Any], name: str, **arguments: Any) -> Any:
    """The object that a part of the configuration names by ``_target_``.

    Hydra copies and resolves the arguments of each object, which takes 2 to 3 ms (measured). So it is only asked for
    the target where the part holds no other object.

    Args:
        part: the part.
        name: its key, for the error message.
        **arguments: of the target, beside those in the part.

    Raises:
        UsageError: if there is no such target, or it does not take its arguments.
    """
    settings: Any = OmegaConf.to_container(part, resolve=True) if OmegaConf.is_config(part) else part
    target = settings.get("_target_")
    own = {key: value for key, value in settings.items() if key not in ("_target_", "_partial_")}
    try:
        if not isinstance(target, str) or any(key.startswith("_") for key in own) or _holds_object(own):
            return instantiate(settings, **arguments, _convert_="all")
        own |= {key: value for key, value in arguments.items() if not key.startswith("_")}
        is_partial = arguments.get("_partial_", settings.get("_partial_"))
        return partial(_callable(target), **own) if is_partial else _callable(target)(**own)
    # Whatever the target raises, as Hydra does.
    except Exception as error:
        raise _not_taken(target, name, error) from error


def target_of(part: Mapping[str, Any], name: str) -> Callable[..., Any]:
    """The class or function that a part of the configuration names by ``_target_``.

    Args:
        part: the part.
        name: its key, for the error message.

    Raises:
        UsageError: if there is none, or Hydra refuses it.
    """
    try:
        return _callable(part["_target_"])
    # Whatever its module raises when it is imported.
    except Exception as error:
        raise _not_taken(part["_target_"], name, error) from error


def _not_taken(target: Any, name: str, error: Exception) -> UsageError:
    return UsageError(f"{name} must be what {target} takes, got: {reason(causes(error)[-1])}; change {name}")


@cache
def _callable(target: str) -> Callable[..., Any]:
    """The callable of this name, unless Hydra refuses it."""
    found: Callable[..., Any] = instantiate({"_target_": target, "_partial_": True}).func
    return found


def _holds_object(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "_target_" in value or any(map(_holds_object, value.values()))
    return isinstance(value, list) and any(map(_holds_object, value))


def imported_class(target: str, name: str) -> type:
    """Class that a part of the configuration names by ``_target_``.

    Args:
        target: the class.
        name: key of the part, for the error message.

    Raises:
        UsageError: if it cannot be imported, or is not a class.
    """
    try:
        found: type = get_class(target)
    except (ImportError, ValueError) as error:
        raise UsageError(
            f"{name}._target_ must be a class that can be imported, got {target}: "
            f"{reason(causes(error)[-1], lines=1)}; change {name}._target_"
        ) from error
    return found
