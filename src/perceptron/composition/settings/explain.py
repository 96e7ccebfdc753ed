"""Hydra's and OmegaConf's exceptions as one line that names the rule, the value and the fix. Imports nothing heavy."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, ValidationError
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.extras import missing_extra_of
from perceptron.composition.settings.quoting import advice, as_one_text, lists_texts, takes_name
from perceptron.composition.settings.sweep_options import NODE
from perceptron.composition.settings.template_names import name_here, option_here
from perceptron.errors import UsageError, causes
from perceptron.invocation import training_command
from perceptron.spelling import did_you_mean

# Of an override with several values.
_SEVERAL = (r"Ambiguous value for argument '(.*)'\n(?s:.*)", r"Sweep parameters '(.*)' requires --multirun")
# Patterns of Hydra's texts that carry no attributes, and the lines for them; \1 is the first group of the pattern.
_LINES = (
    (
        rf"Sweeping over Hydra's configuration is not supported : '{re.escape(NODE)}\.(\w+)=((?s:.*))'",
        r"sweep.\1 cannot be swept, got sweep.\1=\2; type one value",
    ),
    (
        r"Sweeping over Hydra's configuration is not supported : '(.*)'",
        r"Hydra's settings cannot be swept, got \1; type one value",
    ),
    (
        r"Additional config directory '(.*)' not found",
        r"--config-dir must be an existing folder, got \1; make it or leave it out",
    ),
    (
        r"provider=.*, path=(.*)\s+is not\s+available\.",
        r"hydra.searchpath must list existing folders, got \1; make it or leave it out",
    ),
    (
        r"Could not append to config\. An item is already at '(.*)'\.\n(?s:.*)",
        r"\1 is a setting already, got + before it; leave the + out",
    ),
)
_EXPECTED = (
    ("not Optional", "set to a value"),
    (" to string", "a text"),
    ("String", "a text"),
    ("Integer", "a whole number"),
    ("Float", "a number"),
    ("Boolean", "true or false"),
    ("bool", "true or false"),
    ("list", "a list"),
)
# Lines that OmegaConf adds on the types of the nodes.
_NOTES = ("full_key:", "object_type=", "reference_type=")


def explain(error: BaseException, typed: Iterable[str] = ()) -> str:
    """Word an exception that Hydra or OmegaConf raises for wrong settings.

    Args:
        error: any exception; its own text is used where it is none of those known here.
        typed: the overrides, for an exception that names none.
    """
    text = str(error)
    if isinstance(error, OverrideParseException):
        return _grammar(error.override)
    if isinstance(error, MissingConfigException):
        return _missing_option(error)
    if isinstance(error, OmegaConfBaseException):
        return _setting(error)
    if isinstance(error.__cause__, OmegaConfBaseException):
        return _setting(error.__cause__)
    for pattern, line in _LINES:
        if found := re.fullmatch(pattern, text):
            return found.expand(line)
    for pattern in _SEVERAL:
        if found := re.fullmatch(pattern, text):
            return _several(found[1])
    if text.startswith("Config group override must be a string or a list"):
        parsed = OverridesParser.create().parse_overrides(list(typed))
        groups = [each for each in parsed if (CONF_DIR / each.key_or_group).is_dir()]
        of_groups = [str(each.input_line) for each in groups if not isinstance(each.value(), str | list)]
        return f"a group takes the name of an option, got {', '.join(of_groups)}; leave it out, or see --help"
    fix = " or ".join(["the configuration", *(each for each in typed if each.lstrip("+~").startswith("hydra"))])
    return f"Hydra must be able to compose the settings, got: {_in_own_words(error)}; correct {fix}"


def _grammar(override: str) -> str:
    if "=" not in override and not override.startswith("~"):
        return f"an override is key=value, got {override}; write {override}=<value>"
    key = override.partition("=")[0]
    if "=" in override and not takes_name(key):
        return f"the name of a setting has no special characters, got {key}; see --help for the names"
    how = advice(override) or "quote special characters, such as 'key=\"a value\"' or 'key=[1,2]'"
    return f"an override must follow Hydra's grammar, got {override}; {how}"


def _several(override: str) -> str:
    """For several values in a run; a comma may also belong to a text."""
    several = f"type {training_command()} -m {shlex.quote(override)}"
    key = override.partition("=")[0]
    is_option = (CONF_DIR / key.lstrip("+").replace(".", "/")).is_dir()
    one = None if is_option or not lists_texts(override) else as_one_text(override)
    several += "" if one is None else f", or {one} for one text"
    return f"several values need a multirun, got {override}; {several}"


def _missing_option(error: MissingConfigException) -> str:
    """For an option that its group does not have, or a root that is in none of the folders."""
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    option = f"{group}={name}"
    if (error_of_extra := missing_extra_of(option)) is not None:
        return str(error_of_extra)
    folders = [Path(path) for path in re.findall(r"path=file://(.*)", str(error))]
    options = error.options or [file.stem for folder in folders for file in (folder / group).glob("*.yaml")]
    near = option_here(option) or did_you_mean(name, {each for each in options if not each.startswith("_")})
    return f"there is no {option if group else f'--config-name {name}'}; {near}"


def _setting(error: OmegaConfBaseException) -> str:
    """For a setting with a wrong name, a value of a wrong type, or none."""
    key = error.full_key
    if isinstance(error, ConfigKeyError | ConfigAttributeError):
        return f"there is no setting {key}; {name_here(str(key)) or _nearest(error)}"
    if isinstance(error, InterpolationResolutionError):
        return f"{key} must be a value that can be resolved, got: {_in_own_words(error)}; type another"
    if isinstance(error, ValidationError):
        value = "null" if error.value is None else repr(error.value)
        return f"{key} must be {_expected(error)}, got {value}; set {key}"
    if isinstance(error, MissingMandatoryValue):
        return f"{key} is required; type {key}=<value>"
    return f"{key or 'a setting'} cannot be read: {_in_own_words(error)}; change it"


def _nearest(error: OmegaConfBaseException) -> str:
    """The nearest name beside a misspelt one."""
    node, key = error.parent_node, str(error.key)
    names = [str(name) for name in node] if isinstance(node, DictConfig) else []
    path = str(error.full_key).removesuffix(key)
    if not path:
        names += [folder.name for folder in CONF_DIR.iterdir() if folder.is_dir()]
        names = sorted(set(names) - {"hydra", "schema"})
        advice = did_you_mean(key, names)
        return advice if advice.endswith("?") else f"{advice}; a setting of your own is extras.{key}=<value>"
    return did_you_mean(path + key, [path + name for name in names])


def _expected(error: ValidationError) -> str:
    """The type that a setting needs, in words."""
    text = str(error).partition("\n")[0]
    return next((words for mark, words in _EXPECTED if mark in text), f"of another type ({text})")


def _in_own_words(error: BaseException) -> str:
    """The texts of an exception and of those that it was raised from, in one line."""
    texts = []
    for each in causes(error):
        lines = (line.strip() for line in str(each).splitlines())
        text = "; ".join(line for line in lines if line and not line.startswith(_NOTES))
        is_known = isinstance(each, HydraException | OmegaConfBaseException | UsageError)
        texts.append(text if is_known and text else f"{type(each).__name__}: {text}".removesuffix(": "))
    return ", ".join(dict.fromkeys(texts))
