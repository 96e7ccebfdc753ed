"""What to type for a value that Hydra's grammar reads otherwise than it is meant. Imports nothing heavy."""

import re
import shlex

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

# Quoted texts, and what stands around the elements of lists and mappings and the arguments of functions.
_AROUND = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[][{}():,=])""")
_PLAIN = re.compile(r"[\w\-/\\:.+%*@?|$ ]*", re.ASCII)
_CALL = re.compile(r"(choice|range|interval|glob|shuffle|sort|tag|str|int|float|bool|json_str|extend_list)\(")


def advice(override: str) -> str | None:
    """What to type in place of an override that Hydra's grammar refuses, quoted for Hydra and for the shell.

    Args:
        override: ``key=value``.

    Returns:
        The end of a message; None where quotes help nothing.
    """
    key, _, value = override.partition("=")
    whole, parts = as_one_text(override), _typed(f"{key}={_with_quoted_parts(value)}")
    if whole is None:
        return None
    if value.startswith("{") and parts is None:
        # Hydra's grammar has no quoted keys.
        return "correct its brackets; a mapping whose keys have special characters is set in a file of conf/experiment"
    if value.startswith(("[", "{")):
        return f"type {parts}" if parts else f"correct its brackets, or type {whole} for a text"
    if value.startswith(("'", '"')) and value.count(value[0]) % 2:
        return f"close its quote, or type {whole}"
    if parts is not None and "," in value:
        return f"type {parts} for several values, or {whole} for one"
    if _CALL.match(value):
        return f"correct its call, or type {whole} for a text"
    return f"type {whole}"


def as_override(key: str, value: str) -> str:
    """An override in Hydra's grammar, whose value is a text as it stands."""
    return f"{key}={QuotedString(text=value, quote=Quote.double).with_quotes()}"


def as_one_text(override: str) -> str | None:
    """An override whose value is taken as it is written, quoted for Hydra and for the shell.

    Interpolations stay what they are.

    Returns:
        None where Hydra has no form of it, or a terminal does not show it as it is.
    """
    key, _, value = override.partition("=")
    meant = value if _is_resolvable(value) else value.replace("${", "\\${")
    form = as_override(key, meant)
    parsed = _parsed(form)
    if parsed is None or parsed.value() != meant or not override.isprintable():
        return None
    if meant != value and (not _is_resolvable(meant) or OmegaConf.create({"x": meant}).x != value):
        return None
    return shlex.quote(form)


def lists_texts(override: str) -> bool:
    """Whether Hydra reads an override as texts with commas between them."""
    parsed = _parsed(override)
    found = None if parsed is None else parsed.value()
    return isinstance(found, ChoiceSweep) and any(isinstance(each, str | QuotedString) for each in found.list)


def takes_name(key: str) -> bool:
    """Whether Hydra's grammar takes the name of a setting."""
    return _parsed(f"{key}=0") is not None


def _with_quoted_parts(value: str) -> str:
    """The value with quotes around each element that needs them."""
    return "".join(part if _AROUND.fullmatch(part) else _quoted(part) for part in _AROUND.split(value))


def _quoted(part: str) -> str:
    core = part.strip(" ")
    if _PLAIN.fullmatch(core):
        return part
    return part.replace(core, QuotedString(text=core, quote=Quote.double).with_quotes())


def _typed(form: str) -> str | None:
    """An override quoted for the shell; None where Hydra does not take it."""
    return shlex.quote(form) if form.isprintable() and _parsed(form) is not None else None


def _parsed(form: str) -> Override | None:
    try:
        (parsed,) = OverridesParser.create().parse_overrides([form])
        parsed.value()
    # Its parser recurses into brackets.
    except (HydraException, RecursionError):
        return None
    return parsed


def _is_resolvable(text: str) -> bool:
    """Whether OmegaConf takes a text as a value."""
    try:
        OmegaConf.create({"x": text})
    except OmegaConfBaseException:
        return False
    return True
