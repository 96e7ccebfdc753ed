"""Plain values as YAML that OmegaConf and PyYAML read back as the same values."""

from collections.abc import Mapping, Sequence
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
    """Plain values as YAML, in the order of their keys."""
    return str(yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
