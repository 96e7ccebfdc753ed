"""A configuration as plain values, and what lies deep inside them."""

from collections.abc import Mapping
from copy import copy, deepcopy
from typing import Any

from omegaconf import DictConfig, OmegaConf


def plain(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the configuration as dicts, lists and plain values, interpolations resolved."""
    if not isinstance(cfg, DictConfig):
        return deepcopy(dict(cfg))
    values: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
    return values


def at(values: Any, path: str) -> Any:
    """A plain value deep inside.

    Raises:
        LookupError, TypeError, ValueError: where there is none.
    """
    for part in path.split("."):
        values = values[int(part)] if isinstance(values, list) else values[part]
    return values


def replaced(values: Any, changes: Mapping[str, Any]) -> Any:
    """Plain values with other ones deep inside; what does not change is shared with the former.

    Args:
        values: dicts and lists, which stay as they are.
        changes: new values by their paths.
    """
    inside: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        first, _, rest = path.partition(".")
        inside.setdefault(first, {})[rest] = value
    found = copy(values)
    for first, own in inside.items():
        key = int(first) if isinstance(values, list) else first
        whole = own.pop("") if "" in own else values[key]
        found[key] = replaced(whole, own) if own else whole
    return found
