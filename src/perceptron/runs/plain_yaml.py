"""Plain values as YAML."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml


class _Texts:
    """How texts are written: as OmegaConf writes them, which quotes those such as ``1e-3`` that it reads as numbers."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write a value again where it stands twice."""
        return True


class _Dumper(_Texts, getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """By the library in C where there is one."""


class _SlowDumper(_Texts, yaml.SafeDumper):
    """In Python, as OmegaConf does: long texts in double quotes, rare characters and empty keys come out otherwise."""


def _represent_text(dumper: Any, text: str) -> Any:
    style = "'" if text in _SHORT_BOOLEANS or _is_number(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


# YAML 1.1's booleans that PyYAML takes for texts: https://yaml.org/type/bool.html
_SHORT_BOOLEANS = ("y", "Y", "n", "N")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


for _dumper in (_Dumper, _SlowDumper):
    _dumper.add_representer(str, _represent_text)


def as_yaml(values: Mapping[str, Any] | Sequence[Any]) -> str:
    """Plain values as YAML in the order of their keys, to the byte as OmegaConf writes them."""
    text = str(yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
    if '"' in text or "'':" in text:
        text = str(yaml.dump(values, Dumper=_SlowDumper, sort_keys=False, allow_unicode=True))
    return text


class YamlSeries:
    """``as_yaml`` of mappings one after another that share parts: what is shared is written for the first alone.

    A part is shared where both hold the same object under the same keys, which must not have been changed in between.
    """

    def __init__(self) -> None:
        self._written: dict[tuple[str, ...], tuple[Any, str]] = {}

    def text(self, values: Mapping[str, Any]) -> str:
        """The next mapping as YAML."""
        return self._inside(values, ()) if _is_plain(values) else as_yaml(values)

    def _inside(self, values: Mapping[str, Any], keys: tuple[str, ...]) -> str:
        return "".join([self._entry((*keys, key), value) for key, value in values.items()])

    def _entry(self, keys: tuple[str, ...], value: Any) -> str:
        before = self._written.get(keys)
        if before is None or before[0] is not value:
            if _is_plain(value):
                key = _inside_of(keys, 0).rpartition(" ")[0]
                self._written[keys] = value, f"{key}\n{self._inside(value, keys)}"
            else:
                self._written[keys] = value, _inside_of(keys, value)
        return self._written[keys][1]


def _is_plain(value: Any) -> bool:
    """Whether it is a mapping with keys such as settings have, which all stand in one line."""
    return isinstance(value, dict) and bool(value) and all(isinstance(k, str) and _KEY.fullmatch(k) for k in value)


_KEY = re.compile(r"[\w.-]{1,80}", re.ASCII)


def _inside_of(keys: Sequence[str], value: Any) -> str:
    """The lines of a mapping's entry that lies as deep as there are keys, under the last of them.

    How a text is folded depends on where it begins.
    """
    nested = {keys[-1]: value}
    for _ in keys[:-1]:
        nested = {"_": nested}
    return as_yaml(nested).split("\n", len(keys) - 1)[-1]
