"""Hydra's ``instantiate`` and ``get_class``, where a mistake is one line."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf

from perceptron.errors import UsageError, reason, root_cause

Make = Callable[..., Any]

# They log what they then raise.
logging.getLogger("hydra.utils").setLevel(logging.CRITICAL)


def instance(part: DictConfig | dict[str, Any], name: str, **arguments: Any) -> Any:
    """Object that a part of the configuration names by ``_target_``.

    Args:
        part: the part.
        name: its key, for the error message.
        **arguments: of the target, beside those in the part.

    Raises:
        UsageError: where there is no such target, or it does not take its arguments.
    """
    try:
        return instantiate(part, **arguments, _convert_="all")
    except InstantiationException as error:
        target = part.get("_target_")
        raise UsageError(
            f"{name} must be what {target} takes, got: {reason(root_cause(error))}; change {name}"
        ) from error


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
            f"{reason(root_cause(error), lines=1)}; change {name}._target_"
        ) from error
    return found


class Again:
    """``instance`` for many jobs: a target is asked of Hydra once, and called with each one's settings.

    Hydra copies and resolves the settings of each object: half of what it takes to make a small model, and most of what
    it takes to make a logger (measured).
    """

    def __init__(self) -> None:
        self._targets: dict[str, Callable[..., Any]] = {}

    def __call__(self, part: DictConfig | dict[str, Any], name: str, **arguments: Any) -> Any:
        """See ``instance``."""
        settings: Any = OmegaConf.to_container(part, resolve=True) if OmegaConf.is_config(part) else part
        target, own = settings.get("_target_"), _plain_arguments(settings)
        if not isinstance(target, str) or own is None:
            return instance(part, name, **arguments)
        if target not in self._targets:
            self._targets[target] = instance({"_target_": target, "_partial_": True}, name)
        own |= {key: value for key, value in arguments.items() if not key.startswith("_")}
        if settings.get("_partial_"):
            return partial(self._targets[target], **own)
        try:
            return self._targets[target](**own)
        except Exception:
            # It is raised again, and said in one line.
            return instance(part, name, **arguments)


def _plain_arguments(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Arguments of a target; None where Hydra has more to do than to hand them over."""
    own = {key: value for key, value in settings.items() if key not in ("_target_", "_partial_")}
    asks_more = any(key.startswith("_") for key in own) or _has_object(list(own.values()))
    return None if asks_more else own


def _has_object(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "_target_" in value or _has_object(list(value.values()))
    return isinstance(value, list) and any(map(_has_object, value))
