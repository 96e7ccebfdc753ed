"""A sample of a multirun's jobs that has each value of each sweep, checked before the first. Imports nothing heavy."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.settings.checks import check, check_multirun, check_values
from perceptron.composition.settings.groups import Groups
from perceptron.composition.settings.interpolations import settle
from perceptron.composition.settings.overrides import apply_override, check_group, is_for_hydra
from perceptron.composition.settings.parsing import parsed_override
from perceptron.composition.settings.plain import replaced
from perceptron.errors import UsageError


def check_jobs(overrides: list[Override], loader: Groups, *, searches: bool) -> None:
    """Check a single run, or a sample of a multirun's jobs that has each value of each sweep.

    Each is checked beside the first values of the others.

    Args:
        overrides: all that were typed.
        loader: composes what Hydra must.
        searches: whether values are drawn by a search.

    Raises:
        UsageError: for the first mistake.
    """
    if searches:
        # The search itself checks these beside what they are drawn for; beside others there may be no such setting.
        overrides = [override for override in overrides if not _has_condition(override)]
    swept = {i: override for i, override in enumerate(overrides) if override.is_sweep_override()}
    if swept and not loader.multirun:
        text = str(next(iter(swept.values())).input_line)
        raise UsageError(f"several values need a multirun, got {text}; type python train.py -m '{text}'")
    for override in swept.values():
        _check_sweep(override, searches=searches)
    values = {i: _values(override) for i, override in swept.items()}
    first = [values[i][0] if i in values else override for i, override in enumerate(overrides)]
    cfg = _checked(first, loader)
    if not swept:
        return
    keys = [override.key_or_group for override in swept.values()]
    dependent = _resolvable([*settle(cfg, keys)], cfg)
    resolvable = [*_resolvable(keys, cfg), *dependent]
    plain = replaced(OmegaConf.to_container(cfg), _plain_values(resolvable, cfg))
    for i, (own, *others) in values.items():
        changed = [key for key in resolvable if key == own.key_or_group or key in dependent]
        for value in others:
            by_hydra = is_for_hydra(value, loader) or own.key_or_group not in changed
            if by_hydra or any(mark in str(value.input_line) for mark in ("$", "???")):
                _checked([*first[:i], value, *first[i + 1 :]], loader)
                continue
            # The rest is the first job's: a composition and a look at every key for each value take 30 ms.
            apply_override(value, cfg, loader)
            check_values(replaced(plain, _plain_values(changed, cfg)), changed)
            check_multirun(cfg)
            apply_override(own, cfg, loader)


def _resolvable(keys: Sequence[str], cfg: DictConfig) -> list[str]:
    """Keys without those that only a run can resolve, such as its folder."""
    found = []
    for key in keys:
        with suppress(OmegaConfBaseException):
            _plain_value(key, cfg)
            found.append(key)
    return found


def _plain_values(keys: Sequence[str], cfg: DictConfig) -> dict[str, Any]:
    return {key: _plain_value(key, cfg) for key in keys}


def _plain_value(key: str, cfg: DictConfig) -> Any:
    value = OmegaConf.select(cfg, key)
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def _checked(overrides: list[Override], loader: Groups) -> DictConfig:
    cfg = _composed(overrides, loader)
    check(cfg)
    if loader.multirun:
        check_multirun(cfg)
    return cfg


def _check_sweep(override: Override, *, searches: bool) -> None:
    """Refuse a sweep of what is Hydra's, one without a value, and an interval where nothing draws from it."""
    text, sweep = override.input_line, override.value()
    if override.is_hydra_override():
        raise UsageError(f"what is Hydra's own is the same for all jobs, got {text}; type one value")
    if isinstance(sweep, IntervalSweep):
        if not searches:
            raise UsageError(f"an interval needs a search, got {text}; add hydra/sweeper=optuna")
        if sweep.start is None or sweep.end is None or sweep.start > sweep.end:
            raise UsageError(f"an interval must go from a lower to a higher number, got {text}; swap its ends")
        return
    try:
        first = next(iter(override.sweep_string_iterator()), None)
    except ValueError as error:
        raise UsageError(f"a range must have a step that is not 0, got {text}; set another") from error
    if first is None:
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
    groups = [override for override in overrides if is_for_hydra(override, loader)]
    settings = [override for override in overrides if override not in groups]
    for override in groups:
        check_group(override, loader)
    cfg = loader.composed(groups)
    for override in settings:
        apply_override(override, cfg, loader)
    return cfg
