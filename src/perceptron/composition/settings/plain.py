"""Plain values of a configuration, and access to nested ones by their path."""

from collections.abc import Mapping
from copy import copy, deepcopy
from typing import Any

from omegaconf import DictConfig, OmegaConf


def plain(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the configuration as dicts, lists and scalars, with interpolations resolved."""
    if not isinstance(cfg, DictConfig):
        return deepcopy(dict(cfg))
    values: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
    return values


def find(values: Any, path: str) -> Any:
    """The nested value at a path of keys; None where there is none."""
    for part in path.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def replaced(values: Any, changes: Mapping[str, Any]) -> Any:
    """A copy of nested values with changes; unchanged parts are shared with the original.

    Args:
        values: dicts and lists; they are not modified.
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
