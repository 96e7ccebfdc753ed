"""Typing and checking a stored plain configuration, with the overrides of a command."""

from collections.abc import Mapping, Sequence
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
from perceptron.composition.settings.fit_to_targets import fit_group, typed_keys
from perceptron.composition.settings.metrics_group import OF_TASK
from perceptron.composition.settings.parsing import parsed_overrides
from perceptron.composition.settings.schema import PathsConf, defaults_of_target, root
from perceptron.composition.settings.sweep_values import set_value
from perceptron.errors import UsageError

_GROUPS = ("data", "model", "optimizer", "scheduler", "trainer", "metrics", "callbacks", "logger")
_PARTS = ("data", "model", "optimizer", "scheduler", "trainer")


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
    for group in (*_PARTS, "paths"):
        if not isinstance(config.get(group), Mapping):
            raise UsageError(f"a run's configuration must fit this version, got none for {group} in {where}")
    try:
        cfg = _with_defaults({"metrics": {"default": {"_target_": OF_TASK}}, **config})
    except (OmegaConfBaseException, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"a run's configuration must fit this version, got {explain(error)} in {where}") from error
    if overrides:
        _override(cfg, parsed_overrides(overrides))
        for group in _GROUPS:
            fit_group(cfg, group, typed_keys(overrides), ())
    check(cfg, trains=trains)
    return cfg


def _with_defaults(config: Mapping[str, Any]) -> DictConfig:
    """The configuration with the types of the root's settings, and the defaults of settings that it lacks."""
    cfg: Any = root()
    cfg.paths = OmegaConf.structured(PathsConf)
    parts: dict[str, Any] = {group: defaults_of_target(config[group].get("_target_")) for group in _PARTS}
    network = config["model"].get("network")
    if isinstance(network, Mapping):
        parts["model"]["network"] = defaults_of_target(network.get("_target_"))
    merged = OmegaConf.merge(cfg, parts, config)
    assert isinstance(merged, DictConfig)  # noqa: S101
    return merged


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
