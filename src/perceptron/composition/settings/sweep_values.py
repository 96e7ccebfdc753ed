"""Every value of every sweep, checked before the first job starts. Imports nothing heavy."""

from collections.abc import Iterable, Iterator
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, Sweep
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from perceptron.composition.settings.checks import check, check_job, check_values, constraints_in, resolved
from perceptron.composition.settings.plain import replaced
from perceptron.errors import UsageError

# The folder of a job is made when it starts.
_NO_FOLDER = "<folder>"


def job_settings(config: DictConfig, *, in_multirun: bool) -> DictConfig:
    """A copy of the settings of a job before it starts, in which ``${hydra:...}`` can be resolved.

    Args:
        config: as Hydra composed it, with ``hydra``.
        in_multirun: whether it is a job of a multirun, whose number is then 0; a single run has none.
    """
    job: DictConfig = config.copy()
    with read_write(job.hydra), open_dict(job.hydra):
        job.hydra.run.dir = job.hydra.sweep.dir = job.hydra.runtime.output_dir = _NO_FOLDER
        if in_multirun:
            job.hydra.job.num, job.hydra.job.id = 0, "0"
    HydraConfig.instance().set_config(job)
    with open_dict(job):
        del job["hydra"]
    return job


def set_value(cfg: DictConfig, override: Override) -> None:
    """Set one setting of a composed configuration, as Hydra does.

    Raises:
        OmegaConfBaseException: where there is no such setting, or its type is another.
    """
    is_new = override.is_add() or override.is_force_add()
    OmegaConf.update(cfg, override.key_or_group, override.value(), merge=True, force_add=is_new)


def check_sweeps(config: DictConfig, loader: ConfigLoader) -> None:
    """Check each value of each sweep beside the first values of the others.

    Plain settings are set in one composed configuration; Hydra composes anew for options of groups and the like.

    Args:
        config: the multirun's, with ``hydra``.
        loader: Hydra's.

    Raises:
        UsageError: for the first value that breaks a rule.
        HydraException, OmegaConfBaseException: for the first that cannot be composed.
    """
    parser = OverridesParser.create(config_loader=loader)
    # By key: Hydra takes the last one.
    typed = {override.get_key_element(): override for override in parser.parse_overrides([*_typed(config)])}
    searches = not _is_basic(config)
    sweeps = {key: override for key, override in typed.items() if override.is_sweep_override()}
    if searches:
        # The search checks conditional settings itself, beside the values that they are drawn for.
        typed = {key: each for key, each in typed.items() if key not in sweeps or not _is_conditional(each)}
        sweeps = {key: each for key, each in sweeps.items() if key in typed}
    texts = {key: [*_texts(override, searches=searches)] for key, override in sweeps.items()}
    first = {key: texts[key][0] if key in texts else str(override.input_line) for key, override in typed.items()}
    values = {key: parser.parse_overrides(own) for key, own in texts.items()}
    by_hydra = {key for key, own in values.items() if not all(_is_setting(each, config) for each in own)}

    composed = loader.load_sweep_config(config, [*first.values()]) if by_hydra else config
    cfg = job_settings(composed, in_multirun=True)
    for key in values.keys() - by_hydra:
        set_value(cfg, values[key][0])
    constraints, plain_values, references = constraints_in(cfg), resolved(cfg), _references(cfg)
    check_values(plain_values, constraints)
    check_job(cfg)
    for key in values.keys() - by_hydra:
        first_value, *others = values[key]
        setting = first_value.key_or_group
        changed = [setting, *(path for path in references if path != setting and not path.startswith(f"{setting}."))]
        for value in others:
            set_value(cfg, value)
            check_values(replaced(plain_values, {path: _plain(cfg, path) for path in changed}), constraints)
            check_job(cfg)
        set_value(cfg, first_value)
    for key in by_hydra:
        for text in texts[key][1:]:
            job = job_settings(loader.load_sweep_config(config, [*(first | {key: text}).values()]), in_multirun=True)
            check(job)
            check_job(job)


def _typed(config: DictConfig) -> Iterator[str]:
    """Overrides of a multirun's jobs: those of its sweeper, then the typed ones. A search checks its own itself."""
    if _is_basic(config):
        for key, value in (config.hydra.sweeper.params or {}).items():
            yield f"{key}={value}"
    yield from OmegaConf.to_container(config.hydra.overrides.task, resolve=False)


def _is_basic(config: DictConfig) -> bool:
    return str(config.hydra.sweeper._target_).endswith(".BasicSweeper")


def _is_conditional(override: Override) -> bool:
    sweep = override.value()
    return isinstance(sweep, Sweep) and any(tag.startswith("if ") for tag in sweep.tags)


def _texts(override: Override, *, searches: bool) -> Iterator[str]:
    """The values of a sweep as overrides, of an interval its lower end.

    Raises:
        UsageError: where it has no value, or is an interval that nothing draws from.
    """
    key, typed, sweep = override.get_key_element(), override.input_line, override.value()
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
    return is_change and not is_group and override.package is None and not isinstance(override.value(), dict)


def _references(cfg: DictConfig) -> list[str]:
    """Keys of all values that refer to others."""
    return [*_interpolated(OmegaConf.to_container(cfg, resolve=False), "")]


def _interpolated(values: Any, path: str) -> Iterator[str]:
    if isinstance(values, str) and "${" in values:
        yield path
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
