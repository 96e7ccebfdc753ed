"""Overrides checked one by one, so that a message names the one that is wrong. Imports nothing heavy."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, ValidationError, open_dict

from perceptron.composition.settings.groups import Groups
from perceptron.composition.settings.resolvers import register_resolvers
from perceptron.composition.settings.schema import register_schemas
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean

_PACKAGE = Path(__file__).parents[2]
_INSTALLED = _PACKAGE / "conf"
CONF_DIR = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent.parent / "conf"

register_schemas()
register_resolvers()


def one_line(error: Exception) -> str:
    """What Hydra or OmegaConf says in several lines, in one."""
    text = str(error)
    if text.startswith("Error merging override") and error.__cause__ is not None:
        text += f"\n{error.__cause__}"
    lines = [line.strip() for line in text.splitlines()]
    noise = ("full_key:", "object_type=", "reference_type=", "Available options", "Set the environment")
    return "; ".join(line for line in lines if line and not line.startswith(noise))


def is_for_hydra(override: Override, loader: Groups) -> bool:
    """Whether only Hydra can compose it: it names a group's option, deletes, or sets what is Hydra's own."""
    key = override.key_or_group
    # A group's name has slashes, and no dots.
    is_group = "." not in key and bool(loader.options(key)) and override.package is None and _names_option(override)
    return (
        is_group or override.is_delete() or key.startswith("hydra.") or key == "hydra" or override.package is not None
    )


def _names_option(override: Override) -> bool:
    return override.value() is None or isinstance(override.value(), str | list | int)


def check_group(override: Override, loader: Groups) -> None:
    """Refuse an option that a group does not have."""
    group = override.key_or_group
    options = loader.options(group)
    if not options or override.is_delete():
        return
    chosen = override.value()
    if chosen is None:
        raise UsageError(f"{group} must be one of its options, got null; leave it out")
    for option in chosen if isinstance(chosen, list) else [chosen]:
        if option is None or str(option) in options or (option and loader.options(f"{group}/{option}")):
            continue
        if "/" in str(option) and str(option).rpartition("/")[2] in loader.options(
            f"{group}/{str(option).rpartition('/')[0]}", ObjectType.CONFIG
        ):
            continue
        shown = [name for name in options if not name.startswith("_")]
        raise UsageError(f"there is no {group}={option}; {did_you_mean(str(option), shown)}")


def apply_override(override: Override, cfg: DictConfig, loader: Groups) -> None:
    """Set one value of a composed configuration.

    Raises:
        UsageError: where there is no such setting, or the value is of another kind.
    """
    key = override.key_or_group
    value: Any = override.value()
    try:
        if override.is_add() or override.is_force_add():
            with open_dict(cfg):
                OmegaConf.update(cfg, key, value, merge=True, force_add=True)
            return
        _check_key(key, cfg, loader)
        OmegaConf.update(cfg, key, value, merge=True)
    except ValidationError as error:
        raise UsageError(f"{key} must be {_expected(error)}, got {value!r}; set {key}") from error


def _check_key(key: str, cfg: DictConfig, loader: Groups) -> None:
    """Refuse a key that is no setting, with the nearest that is."""
    node: Any = cfg
    path = ""
    for part in key.split("."):
        known = [str(name) for name in node] if isinstance(node, DictConfig) else []
        if part not in known:
            groups = [] if path else [str(group) for group in loader.options("", ObjectType.GROUP)]
            if path and OmegaConf.get_type(node) is dict:
                raise UsageError(f"there is no setting {key}; {_addition(key, path, part, node)}")
            near = did_you_mean(path + part, [path + name for name in {*known, *groups} - {"schema", "hydra"}])
            raise UsageError(f"there is no setting {path}{part}; {near}")
        if OmegaConf.is_missing(node, part) or OmegaConf.is_interpolation(node, part):
            return
        node = node[part]
        path += f"{part}."


def _addition(key: str, path: str, part: str, node: DictConfig) -> str:
    """What to type for a name in an open mapping, such as a class's arguments: a known name or a new one."""
    near = get_close_matches(part, [str(name) for name in node if name != "_target_"], n=1, cutoff=0.8)
    if near:
        return f"did you mean {path}{near[0]}?"
    if "_target_" in node:
        target = str(node["_target_"]).rpartition(".")[2]
        return f"with + in front it is another argument of {target}: +{path}{part}=<value>"
    return f"with + in front it is another entry of {path.removesuffix('.')}: +{key}=<value>"


def _expected(error: ValidationError) -> str:
    """The type that a setting needs, in words."""
    text = str(error).splitlines()[0]
    for name, words in (
        (" to string", "a text"),
        ("Integer", "a whole number"),
        ("Float", "a number"),
        ("bool", "true or false"),
        ("String", "a text"),
        ("list", "a list"),
        ("List", "a list"),
        ("not Optional", "set to a value"),
    ):
        if name in text:
            return words
    return f"of another kind ({text})"
