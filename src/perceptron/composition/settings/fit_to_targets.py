"""Former defaults of parts fall away where another ``_target_`` does not take them. Imports nothing heavy."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.argument_types import fits
from perceptron.composition.settings.own_parts import KEPT, is_own_part
from perceptron.composition.settings.own_settings import gather_own_settings
from perceptron.composition.settings.parsing import parsed_override
from perceptron.composition.settings.parts import ENTRIES, OF_HYDRA, near_entry, takeable
from perceptron.composition.settings.schema import SCHEMAS, defaults_of
from perceptron.errors import UsageError
from perceptron.files.plain_values import read_yaml

_MISSING = "???"
_SCHEMA = "/schema/"
_PLATEAU = "torch.optim.lr_scheduler.ReduceLROnPlateau"
# As in conf/scheduler/plateau.yaml.
_FOLLOWED = {"monitor": "${monitor}", "mode": "${mode_of:${scheduler.monitor},${monitor},${mode},${metrics}}"}


def fit_to_targets(cfg: DictConfig, hydra: Any) -> None:
    """Fit a composed configuration to the targets of its parts, in place.

    Where a part has another target than its option, the option's settings that the new target does not take are
    deleted; where the target was typed, all that were not typed beside it. Typed settings are kept. A schedule of torch
    that follows a metric follows the run's unless another is set.

    Args:
        cfg: composed by Hydra.
        hydra: the node ``hydra``: the options and what was typed.

    Raises:
        UsageError: for an entry that is left out by a misspelt name.
    """
    gather_own_settings(cfg)
    # Unresolved, for the texts may hold interpolations.
    typed = typed_keys(OmegaConf.to_container(hydra.overrides.task, resolve=False))  # type: ignore[arg-type]
    folders = [Path(source.path) for source in hydra.runtime.config_sources if source.schema == "file"]
    for group in ("data", "model", "optimizer", "scheduler", "trainer", *ENTRIES):
        layers = [*_layers(group, str(hydra.runtime.choices.get(group)), folders)]
        if group in ENTRIES:
            _check_left_out(cfg[group], group, typed, layers)
        fit_group(cfg, group, typed, layers)
    for group in ("data", "model"):
        _settle_own(cfg[group], group, typed)
    if "val_fraction" not in cfg.data and _refers_to_validation_share(cfg):
        # A user's data module is expected to have validation rows.
        cfg.monitor = "val/loss"
    scheduler = cfg.get("scheduler")
    if scheduler and not OmegaConf.is_missing(scheduler, "_target_") and scheduler.get("_target_") == _PLATEAU:
        for name, default in _FOLLOWED.items():
            if name not in scheduler:
                scheduler[name] = default


def fit_group(cfg: DictConfig, group: str, typed: Collection[str], layers: Collection[Mapping[str, Any]]) -> None:
    """Fit the parts of a group to their targets, in place.

    Args:
        cfg: the whole configuration.
        group: of which the parts are.
        typed: keys of typed settings.
        layers: what the group's option is made of, each part of it in the place of the one before.
    """
    if isinstance(cfg.get(group), DictConfig):
        _fit(cfg[group], group, typed, layers)


def _settle_own(part: DictConfig, group: str, typed: Collection[str]) -> None:
    """Leave this project's defaults out of the settings of a user's own part, which has its own.

    Args:
        part: the group ``data`` or ``model``.
        group: its name.
        typed: settings that were typed.
    """
    if OmegaConf.is_missing(part, "_target_") or not is_own_part(group, part._target_):
        return
    takes = takeable(part._target_, group)[0]
    known = {field.name for path, kind in SCHEMAS.items() if path.startswith(f"{group}/") for field in fields(kind)}
    for name in known & {str(name) for name in part} - set(OF_HYDRA):
        is_typed = any(key == f"{group}.{name}" or key.startswith(f"{group}.{name}.") for key in typed)
        if not is_typed and not (name in KEPT and name in takes):
            del part[name]


def _refers_to_validation_share(cfg: DictConfig) -> bool:
    """Whether the monitored metric follows from a setting of this project's tables, as it does unless it is set."""
    values: Any = OmegaConf.to_container(OmegaConf.masked_copy(cfg, ["monitor"]), resolve=False)
    return "data.val_fraction" in str(values["monitor"])


def typed_keys(overrides: Collection[str]) -> set[str]:
    """Keys of the settings that overrides set, those in dictionaries as well."""
    keys: set[str] = set()
    for text in overrides:
        key, _, value = text.lstrip("+~").partition("=")
        keys.add(key)
        if "{" in value:
            parsed = parsed_override(text)
            found = [*parsed.sweep_iterator()] if parsed.is_sweep_override() else [parsed.value()]
            for each in found:
                keys |= {*_keys(each, key)}
    return keys


def _check_left_out(
    entries: DictConfig, group: str, typed: Collection[str], layers: Collection[Mapping[str, Any]]
) -> None:
    """Refuse ``callbacks.early_stoping=null``, which would leave nothing out."""
    for name in map(str, entries):
        is_new = f"{group}.{name}" in typed and not any(name in layer for layer in layers)
        if is_new and not OmegaConf.is_missing(entries, name) and entries[name] is None:
            near = near_entry(name, {str(each): None for each in entries})
            if near:
                raise UsageError(f"there is no setting {group}.{name}; did you mean {group}.{near}?")


def _keys(value: Any, key: str) -> Iterator[str]:
    yield key
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _keys(item, f"{key}.{name}")


def _fit(node: DictConfig, key: str, typed: Collection[str], layers: Collection[Mapping[str, Any]]) -> None:
    target = None if OmegaConf.is_missing(node, "_target_") else node.get("_target_")
    if isinstance(target, str):
        try:
            arguments, _ = takeable(target, key)
        except UsageError:
            # The check says it.
            return
        values: Any = OmegaConf.to_container(node, resolve=False)
        misfits = {
            name: value for name, value in values.items() if name not in OF_HYDRA and f"{key}.{name}" not in typed
            and not any(each.startswith(f"{key}.{name}.") for each in typed)
            and not (name in arguments and _may_fit(value, arguments[name].hint))
        }  # fmt: skip
        is_typed = f"{key}._target_" in typed
        former = [*_former(layers, target)] if misfits else []
        for name, value in misfits.items():
            if is_typed or (name, value) in former:
                del node[name]
    for name in list(node):
        part = None if OmegaConf.is_missing(node, name) or OmegaConf.is_interpolation(node, str(name)) else node[name]
        if isinstance(part, DictConfig):
            within = [each[name] for each in layers if isinstance(each.get(name), Mapping)]
            _fit(part, f"{key}.{name!s}", typed, within)


def _may_fit(value: Any, hint: Any) -> bool:
    """Whether an argument may have a value; one that refers to another setting is not known yet."""
    return value == _MISSING or (isinstance(value, str) and "${" in value) or fits(value, hint)


def _former(layers: Collection[Mapping[str, Any]], target: str) -> Iterator[tuple[str, Any]]:
    """Settings that were there before a part had its target."""
    current = None
    for layer in layers:
        current = layer.get("_target_", current)
        if current != target:
            yield from layer.items()


def _layers(group: str, option: str, folders: Collection[Path]) -> Iterator[Mapping[str, Any]]:
    """What an option of a group is made of: the schemas and files of its defaults list, then its own settings."""
    for name in option.strip("[]").split(","):
        file = next((each for folder in folders if (each := folder / group / f"{name.strip()}.yaml").is_file()), None)
        contents = read_yaml(file.read_text(encoding="utf-8")) if file else None
        if not isinstance(contents, Mapping):
            continue
        for default in contents.get("defaults") or []:
            text, _, package = str(default).partition("@")
            if text.startswith(_SCHEMA):
                values = defaults_of(SCHEMAS[text.removeprefix(_SCHEMA)])
                yield values if package == "_here_" else {package: values}
            elif isinstance(default, str) and text != "_self_":
                yield from _layers(group, text, folders)
        yield {name: value for name, value in contents.items() if name != "defaults"}
