"""Typing and checking a stored plain configuration, with the overrides of a command."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.checks import check
from perceptron.composition.settings.conf_folder import CONF_DIR
from perceptron.composition.settings.explain import explain
from perceptron.composition.settings.metrics_group import OF_TASK
from perceptron.composition.settings.own_parts import is_own_part
from perceptron.composition.settings.parsing import parsed_overrides
from perceptron.composition.settings.parts import OPEN_GROUPS
from perceptron.composition.settings.schema import SCHEMAS, TrainConf, structured
from perceptron.composition.settings.schema.data_schema import DataConf
from perceptron.composition.settings.schema.model_schema import ModelConf
from perceptron.composition.settings.schema.optimizer_schema import OptimizerConf, ScheduleConf
from perceptron.composition.settings.sweep_values import set_value
from perceptron.errors import UsageError

_GROUPS = ("data", "model", "optimizer", "scheduler", "trainer", "metrics", "callbacks", "logger")
# Groups that have a schema.
_TYPED = ("data", "model", "optimizer", "scheduler", "trainer", "paths")


def typed(config: Mapping[str, Any], *, where: str, overrides: Sequence[str] = (), trains: bool = True) -> DictConfig:
    """The configuration with the types of ``composition.settings.schema``; overrides are applied, ranges checked.

    Args:
        config: plain values, as a run stores them.
        where: the file that it comes from, for messages.
        overrides: in Hydra's syntax: settings such as ``data.batch_size=64``, and whole groups such as ``data=iris``.
        trains: whether a run is trained with it; False for commands that only read.

    Raises:
        UsageError: if the configuration does not fit this version, or an override is wrong.
    """
    for group in _TYPED:
        if not isinstance(config.get(group), Mapping):
            raise UsageError(f"a run's configuration must fit this version, got none for {group} in {where}")
    try:
        cfg = _structured({"metrics": {"default": {"_target_": OF_TASK}}, **config})
    except (OmegaConfBaseException, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"a run's configuration must fit this version, got {explain(error)} in {where}") from error
    if overrides:
        _override(cfg, parsed_overrides(overrides))
    check(cfg, trains=trains)
    return cfg


def _structured(config: Mapping[str, Any]) -> DictConfig:
    parts = {group: structured(_schema_of(group, config[group])) for group in _TYPED}
    for group in OPEN_GROUPS:
        # What its target does not take was left out.
        for name in set(parts[group]) - set(config[group]):
            del parts[group][name]
    # Merged, for assigning a part would lose that it takes any name.
    cfg: Any = OmegaConf.merge(OmegaConf.structured(TrainConf), parts)
    own = [group for group in ("data", "model") if is_own_part(group, config[group].get("_target_"))]
    if "model" not in own and (kind := _schema_of("network", config["model"]["network"])):
        cfg.model.network = OmegaConf.structured(kind)
    for group in own:
        OmegaConf.set_struct(cfg[group], False)
    merged = OmegaConf.merge(cfg, config)
    assert isinstance(merged, DictConfig)  # noqa: S101
    for group in own:
        OmegaConf.set_struct(merged[group], False)
        for name in set(merged[group]) - set(config[group]):
            del merged[group][name]
    return merged


def _schema_of(group: str, part: Mapping[str, Any]) -> Any:
    """The schema of a part: preferably with its keys and its target, otherwise with either."""
    if is_own_part(group, part.get("_target_")):
        return {"data": DataConf, "model": ModelConf}[group]
    kinds = [kind for path, kind in SCHEMAS.items() if path.startswith(f"{group}/")]

    def likeness(kind: type) -> tuple[bool, bool]:
        known = {field.name: field.default for field in fields(kind)}
        return part.keys() == known.keys(), known.get("_target_", MISSING) == part.get("_target_")

    best = max(kinds, key=likeness)
    if not any(likeness(best)) and group == "network":
        return None
    if not any(likeness(best)) and group in OPEN_GROUPS:
        return {"optimizer": OptimizerConf, "scheduler": ScheduleConf}[group]
    if not any(likeness(best)):
        raise ValueError(f"no kind of {group} with the settings {', '.join(part)}")
    return best


def _override(cfg: DictConfig, overrides: Sequence[Override]) -> None:
    GlobalHydra.instance().clear()
    # Mappings of objects are open to + alone, as in what Hydra composes.
    OmegaConf.set_struct(cfg, True)
    try:
        with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            groups = [
                override for override in overrides if override.key_or_group in _GROUPS and not _is_value(override)
            ]
            for override in groups:
                composed = compose("train", overrides=[str(override.input_line)])
                cfg[override.key_or_group] = composed[override.key_or_group]
            for override in overrides:
                if override not in groups:
                    _check_plain(override)
                    set_value(cfg, override)
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(explain(error)) from error


def _is_value(override: Override) -> bool:
    return override.is_delete() or override.is_sweep_override() or isinstance(override.value(), dict)


def _check_plain(override: Override) -> None:
    """Refuse overrides that would need the configuration to be composed anew."""
    text = override.input_line
    if override.is_delete() or override.is_sweep_override():
        raise UsageError(f"a stored run takes settings with one value, got {text}; write key=value")
    if override.key_or_group in ("experiment", "debug", "hydra") or override.key_or_group.startswith("hydra."):
        raise UsageError(f"a stored run has its settings already, got {text}; override single settings, or train anew")
