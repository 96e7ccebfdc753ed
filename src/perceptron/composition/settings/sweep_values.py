"""Every value of every sweep, checked before the first job starts. Imports nothing heavy."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, Sweep
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.checks import check, check_job, check_values, resolved
from perceptron.composition.settings.explain import explain
from perceptron.composition.settings.job_settings import job_settings
from perceptron.composition.settings.plain import replaced
from perceptron.composition.settings.sweep_options import is_basic
from perceptron.errors import UsageError

_NAME = re.compile(r"\w[\w.]*")


def set_value(cfg: DictConfig, override: Override) -> None:
    """Set one setting of a composed configuration, as Hydra does.

    Raises:
        OmegaConfBaseException: where there is no such setting, or its type is another.
    """
    is_new = override.is_add() or override.is_force_add()
    OmegaConf.update(cfg, override.key_or_group, override.value(), merge=True, force_add=is_new)


def composed_job(config: DictConfig, overrides: Sequence[str], loader: ConfigLoader) -> DictConfig:
    """Compose a job of a multirun.

    Args:
        config: the multirun's, with ``hydra``.
        overrides: of the job.
        loader: Hydra's.

    Raises:
        UsageError: where Hydra cannot compose it.
    """
    try:
        return loader.load_sweep_config(config, list(overrides))
    # Also what reading YAML raises, and Hydra's own assertions.
    except Exception as error:
        raise UsageError(explain(error, typed=overrides)) from error


def check_sweeps(config: DictConfig, loader: ConfigLoader) -> None:
    """Check each value of each sweep beside the first values of the others.

    Plain settings are set in one composed configuration; Hydra composes anew for options of groups and the like.

    Args:
        config: the multirun's, with ``hydra``.
        loader: Hydra's.

    Raises:
        UsageError: for the first value that breaks a rule, or cannot be composed.
        HydraException: for the first override that does not follow the grammar.
        OmegaConfBaseException: for the first value of another type than its setting.
    """
    parser, searches = OverridesParser.create(config_loader=loader), not is_basic(config)
    # By key: Hydra takes the last one.
    overrides = {
        override.get_key_element(): override for override in parser.parse_overrides([*typed_overrides(config)])
    }
    if searches:
        # The search checks conditional settings itself, beside the values that they are drawn for.
        overrides = {key: override for key, override in overrides.items() if not _is_conditional(override)}
    texts = {key: [*_texts(override, searches=searches)] for key, override in overrides.items()}
    first = {key: own[0] for key, own in texts.items()}
    values = {key: parser.parse_overrides(texts[key]) for key in texts if overrides[key].is_sweep_override()}
    by_hydra = {key for key, own in values.items() if not all(_is_setting(each, config) for each in own)}

    # What the sweeper's own settings fix is not in the multirun's configuration.
    is_composed = not by_hydra and not config.hydra.sweeper.get("params")
    composed = config if is_composed else composed_job(config, [*first.values()], loader)
    with job_settings(composed, in_multirun=True) as cfg:
        _check_settings(cfg, {key: own for key, own in values.items() if key not in by_hydra})
    for key in by_hydra:
        for text in texts[key][1:]:
            others = [*(first | {key: text}).values()]
            with job_settings(composed_job(config, others, loader), in_multirun=True) as cfg:
                check(cfg)
                check_job(cfg)


def _check_settings(cfg: DictConfig, values: Mapping[str, list[Override]]) -> None:
    """Check the first job, then each further value of each setting in its place.

    Args:
        cfg: of the first job; its settings are changed in place.
        values: of the settings that are swept.
    """
    for first, *_ in values.values():
        set_value(cfg, first)
    plain_values, references = resolved(cfg), dict(_interpolated(OmegaConf.to_container(cfg, resolve=False)))
    check_values(plain_values)
    check_job(cfg)
    for first, *others in values.values():
        changed = _dependent(first.key_or_group, references)
        for value in others:
            set_value(cfg, value)
            own = replaced(plain_values, {path: _plain(cfg, path) for path in changed})
            check_values(own, checked=plain_values)
            check_job(cfg)
        set_value(cfg, first)


def typed_overrides(config: DictConfig) -> Iterator[str]:
    """Overrides of a multirun's jobs: those of its sweeper, then the typed ones. A search checks its own itself."""
    if is_basic(config):
        for key, value in (config.hydra.sweeper.params or {}).items():
            yield f"{key}={value}"
    task: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    yield from task


def _is_conditional(override: Override) -> bool:
    sweep = override.value()
    return isinstance(sweep, Sweep) and any(tag.startswith("if ") for tag in sweep.tags)


def _texts(override: Override, *, searches: bool) -> Iterator[str]:
    """An override for each value of a sweep, of an interval for its lower end; a fixed override as it is.

    Raises:
        UsageError: for a sweep without a value, or an interval that no search draws from.
    """
    key, typed, sweep = override.get_key_element(), str(override.input_line), override.value()
    if not override.is_sweep_override():
        yield typed
        return
    if isinstance(sweep, IntervalSweep):
        if not searches:
            raise UsageError(f"an interval needs a search, got {typed}; add hydra/sweeper=optuna")
        if sweep.start is None or sweep.end is None or sweep.start > sweep.end:
            raise UsageError(f"an interval must go from a lower to a higher number, got {typed}; swap its ends")
        yield f"{key}={sweep.start}"
        return
    try:
        found = [f"{key}={value}" for value in override.sweep_string_iterator()]
    except ValueError as error:
        raise UsageError(f"a range must have a step that is not 0, got {typed}; set another") from error
    if not found:
        raise UsageError(f"a sweep must have a value, got {typed}, which has none; widen it")
    yield from found


def _is_setting(override: Override, config: DictConfig) -> bool:
    """Whether it sets a value that is there already, which ``set_value`` can do without Hydra."""
    is_group = override.key_or_group in config.hydra.runtime.choices
    is_change = not (override.is_add() or override.is_force_add() or override.is_delete())
    # Other targets have other defaults.
    is_target = override.key_or_group.endswith("_target_")
    is_plain = override.package is None and not isinstance(override.value(), dict)
    return is_change and is_plain and not is_group and not is_target


def _dependent(key: str, references: Mapping[str, str]) -> list[str]:
    """A setting and those whose values may change with it.

    Args:
        key: of the setting.
        references: text of each value that refers to others, by its key.
    """
    found = [key]
    # It grows while it is read.
    for changed in found:
        found += [path for path, text in references.items()
                  if path not in found and not path.startswith(f"{key}.") and _refers(text, changed)]  # fmt: skip
    return found


def _refers(text: str, key: str) -> bool:
    """Whether a text may name a setting: its whole key, its last part, what it is a part of, or a part of it."""
    names = _NAME.findall(text)
    own = (key, key.rpartition(".")[2])
    return any(name in own or key.startswith(f"{name}.") or name.startswith(f"{key}.") for name in names)


def _interpolated(values: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Key and text of each value that refers to others."""
    if isinstance(values, str) and "${" in values:
        yield path, values
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(values, dict):
        pairs = values.items()
    elif isinstance(values, list):
        pairs = enumerate(values)
    for key, value in pairs:
        yield from _interpolated(value, f"{path}.{key}" if path else str(key))


def _plain(cfg: DictConfig, key: str) -> Any:
    value = OmegaConf.select(cfg, key, throw_on_missing=True)
    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True) if OmegaConf.is_config(value) else value
