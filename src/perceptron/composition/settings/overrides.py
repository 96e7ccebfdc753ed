"""Overrides checked one by one, so that a message names the one that is wrong. Imports nothing heavy."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, ValidationError, open_dict
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.checks import check, check_multirun, check_values
from perceptron.composition.settings.extras import check_extras
from perceptron.composition.settings.groups import Groups
from perceptron.composition.settings.hydras import asks_for_jobs, check_no_numbers, swept_by_settings
from perceptron.composition.settings.interpolations import replaced, settle
from perceptron.composition.settings.parsing import parsed_override, parsed_overrides
from perceptron.composition.settings.resolvers import register_resolvers
from perceptron.composition.settings.schema import register_schemas
from perceptron.composition.settings.search_path import check_root, search_also
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean

_PACKAGE = Path(__file__).parents[2]
_INSTALLED = _PACKAGE / "conf"
CONF_DIR = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent.parent / "conf"

register_schemas()
register_resolvers()


def check_overrides(
    overrides: Sequence[str],
    *,
    multirun: bool = False,
    config_name: str = "train",
    config_dir: str | None = None,
) -> None:
    """Compose what the overrides ask for and check it, without importing what it would run.

    Of a multirun, each value of each swept setting is checked beside the first values of the others.

    Args:
        overrides: in Hydra's syntax, as on the command line.
        multirun: whether values may be swept.
        config_name: the root configuration.
        config_dir: a folder of more configurations.

    Raises:
        UsageError: for the first mistake.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise UsageError(f"--config-dir must be a folder, got {config_dir}; make it or leave it out")
    GlobalHydra.instance().clear()
    before = HydraConfig.instance().cfg
    try:
        with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            check_extras(overrides)
            hydras = GlobalHydra.instance().config_loader()
            if config_dir is not None:
                search_also([f"file://{Path(config_dir).absolute()}"], hydras)
            searches = any(text.startswith(("hydra/sweeper=", "hparams_search=")) for text in overrides)
            parsed = parsed_overrides(overrides, hydras)
            multirun = multirun or asks_for_jobs(parsed)
            loader = Groups(hydras, config_name, multirun=multirun)
            if check_root(parsed, loader) == RunMode.MULTIRUN and not multirun:
                multirun, loader = True, Groups(hydras, config_name, multirun=True)
            if not multirun:
                check_no_numbers(parsed)
            _check_jobs(parsed, loader, multirun=multirun, searches=searches)
            if multirun and (params := swept_by_settings()):
                own = {override.get_key_element() for override in parsed}
                more = [param for param in parsed_overrides(params, hydras) if param.get_key_element() not in own]
                _check_jobs([*more, *parsed], loader, multirun=multirun, searches=searches)
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(one_line(error)) from error
    finally:
        HydraConfig.instance().cfg = before


def one_line(error: Exception) -> str:
    """What Hydra or OmegaConf says in several lines, in one."""
    text = str(error)
    if text.startswith("Error merging override") and error.__cause__ is not None:
        text += f"\n{error.__cause__}"
    lines = [line.strip() for line in text.splitlines()]
    noise = ("full_key:", "object_type=", "reference_type=", "Available options", "Set the environment")
    return "; ".join(line for line in lines if line and not line.startswith(noise))


def _check_jobs(overrides: list[Override], loader: Groups, *, multirun: bool, searches: bool) -> None:
    """Check a single run, or a sample of a multirun's jobs that has each value of each sweep."""
    if searches:
        # The search itself checks these beside what they are drawn for; beside others there may be no such setting.
        overrides = [override for override in overrides if not _has_condition(override)]
    swept = {i: override for i, override in enumerate(overrides) if override.is_sweep_override()}
    if swept and not multirun:
        text = str(next(iter(swept.values())).input_line)
        raise UsageError(f"several values need a multirun, got {text}; type python train.py -m '{text}'")
    for override in swept.values():
        _check_sweep(override, searches=searches)
    values = {i: _values(override) for i, override in swept.items()}
    first = [values[i][0] if i in values else override for i, override in enumerate(overrides)]
    cfg = _checked(first, loader, multirun=multirun)
    keys = [override.key_or_group for override in swept.values()]
    dependent = settle(cfg, keys) if swept else {}
    plain: Any = OmegaConf.to_container(cfg)
    for i, (own, *others) in values.items():
        changed = _resolvable([own.key_or_group, *dependent], cfg)
        for value in others:
            by_hydra = _is_for_hydra(value, loader) or own.key_or_group not in changed
            if by_hydra or any(mark in str(value.input_line) for mark in ("$", "???")):
                _checked([*first[:i], value, *first[i + 1 :]], loader, multirun=multirun)
                continue
            # The rest is the first job's: a composition and a look at every key for each value take 30 ms.
            apply_override(value, cfg, loader)
            plain = replaced(plain, {key: _plain_value(key, cfg) for key in changed})
            check_values(plain, changed)
            check_multirun(cfg)
            apply_override(own, cfg, loader)
        plain = replaced(plain, {key: _plain_value(key, cfg) for key in changed})


def _resolvable(keys: Sequence[str], cfg: DictConfig) -> list[str]:
    """Keys without those that only a run can resolve, such as its folder."""
    found = []
    for key in keys:
        with suppress(OmegaConfBaseException):
            _plain_value(key, cfg)
            found.append(key)
    return found


def _plain_value(key: str, cfg: DictConfig) -> Any:
    value = OmegaConf.select(cfg, key)
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def _checked(overrides: list[Override], loader: Groups, *, multirun: bool) -> DictConfig:
    cfg = _composed(overrides, loader)
    check(cfg)
    if multirun:
        check_multirun(cfg)
    return cfg


def _check_sweep(override: Override, *, searches: bool) -> None:
    """Refuse a sweep without a value, and an interval where nothing draws from it."""
    text, sweep = override.input_line, override.value()
    if isinstance(sweep, IntervalSweep):
        if not searches:
            raise UsageError(f"an interval needs a search, got {text}; add hydra/sweeper=optuna")
        if sweep.start is None or sweep.end is None or sweep.start > sweep.end:
            raise UsageError(f"an interval must go from a lower to a higher number, got {text}; swap its ends")
    elif next(iter(override.sweep_string_iterator()), None) is None:
        raise UsageError(f"a sweep must have a value, got {text}, which has none; widen it")


def _has_condition(override: Override) -> bool:
    return any(tag.startswith("if ") for tag in getattr(override.value(), "tags", ()))


def _values(override: Override) -> list[Override]:
    key = override.get_key_element()
    if not override.is_discrete_sweep():
        start = getattr(override.value(), "start", None)
        return [parsed_override(f"{key}={'null' if start is None else start}")]
    return [parsed_override(f"{key}={value}") for value in override.sweep_string_iterator()]


def _composed(overrides: list[Override], loader: Groups) -> DictConfig:
    """What Hydra composes, the groups by Hydra itself and the settings one by one."""
    groups = [override for override in overrides if _is_for_hydra(override, loader)]
    settings = [override for override in overrides if override not in groups]
    for override in groups:
        check_group(override, loader)
    cfg = loader.composed(groups)
    for override in settings:
        apply_override(override, cfg, loader)
    return cfg


def _is_for_hydra(override: Override, loader: Groups) -> bool:
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
            near = did_you_mean(path + part, [path + name for name in {*known, *groups} - {"schema", "hydra"}])
            raise UsageError(f"there is no setting {path}{part}; {near}")
        if OmegaConf.is_missing(node, part) or OmegaConf.is_interpolation(node, part):
            return
        node = node[part]
        path += f"{part}."


def _expected(error: ValidationError) -> str:
    """The type that a setting needs, in words."""
    text = str(error).splitlines()[0]
    for name, words in (
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
