"""Hydra's ``instantiate``, where a mistake is one line."""

import json
import logging
from collections.abc import Callable
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from perceptron.errors import UsageError

Make = Callable[..., Any]

# It logs what it then raises.
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
        raise UsageError(f"{name} must be what {target} takes, got: {_root_cause(error)}; change {name}") from error


class Again:
    """``instance`` for many jobs: what has been made of the same settings before is made again without Hydra.

    Hydra copies and resolves the settings of each object, half of what it takes to make a small model (measured).
    """

    def __init__(self) -> None:
        self._factories: dict[str, Callable[..., Any]] = {}

    def __call__(self, part: DictConfig | dict[str, Any], name: str, **arguments: Any) -> Any:
        """See ``instance``."""
        settings = OmegaConf.to_container(part, resolve=True) if OmegaConf.is_config(part) else part
        key = json.dumps([name, settings], default=str)
        own = {name: value for name, value in arguments.items() if not name.startswith("_")}
        if key in self._factories:
            return self._factories[key](**own)
        made = instance(part, name, **arguments)
        if part.get("_partial_"):
            self._factories[key] = lambda: made
        # An object within would be the same for all.
        elif key.count('"_target_"') == 1:
            self._factories[key] = instance(part, name, _partial_=True)
        return made


def _root_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())
