"""Hydra's ``instantiate``, where a mistake is one line."""

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig

from perceptron.errors import UsageError


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


def _root_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())
