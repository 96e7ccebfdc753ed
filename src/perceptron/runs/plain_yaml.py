"""Plain values as YAML that OmegaConf and PyYAML read back as the same values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

# YAML 1.1 booleans that PyYAML writes as plain text: https://yaml.org/type/bool.html
_SHORT_BOOLEANS = ("y", "Y", "n", "N")


# The dumper in C, where PyYAML has it, is ten times as fast.
class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write a value again where it occurs twice."""
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    """Quote texts such as ``1e-3``, which OmegaConf reads as numbers and PyYAML does not."""
    style = "'" if text in _SHORT_BOOLEANS or _is_number(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_Dumper.add_representer(str, _represent_text)


def as_yaml(values: Mapping[str, Any] | Sequence[Any]) -> str:
    """Plain values as YAML, in the order of their keys.

    The jobs of a sweep have most of their settings in common, each of which is written once a process.
    """
    if not isinstance(values, Mapping) or not values:
        return _dump(values)
    return "".join(_lines(_Entry.of({key: value})) for key, value in values.items())


@dataclass(frozen=True)
class _Entry:
    """A mapping with one key. Those with the same representation in Python are equal: 1, 1.0 and True are not."""

    representation: str
    values: Mapping[Any, Any] = field(compare=False)

    @classmethod
    def of(cls, values: Mapping[Any, Any]) -> "_Entry":
        return cls(repr(values), values)


@lru_cache(maxsize=4096)
def _lines(entry: _Entry) -> str:
    ((key, value),) = entry.values.items()
    # Of a mapping that differs, most entries are the same.
    if not isinstance(value, dict) or len(value) < 2 or not str(key).isidentifier():
        return _dump(entry.values)
    first, *others = [_lines(_Entry.of({key: {name: item}})) for name, item in value.items()]
    return first + "".join(text.partition("\n")[2] for text in others)


def _dump(values: Any) -> str:
    return str(yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
