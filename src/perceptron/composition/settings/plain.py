"""A configuration as plain values."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from omegaconf import DictConfig, OmegaConf


def plain(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the configuration as dicts, lists and plain values, interpolations resolved."""
    if not isinstance(cfg, DictConfig):
        return deepcopy(dict(cfg))
    values: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
    return values
