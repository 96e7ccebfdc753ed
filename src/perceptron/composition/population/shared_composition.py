"""A composition that jobs share which differ only in the values of some settings."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.plain import find, replaced

# References by a whole path, such as ${data.seed}, and calls of the project's resolvers that read only their arguments.
_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")
_PURE = re.compile(r"\$\{(?:default_monitor|direction_of|mode_of):")


class SharedComposition:
    """A configuration composed by Hydra, in which one job after another is set.

    OmegaConf takes 8 ms to resolve a whole configuration, 6 of them for values that are the same for all jobs
    (measured). So these are resolved once.

    Args:
        cfg: the configuration of one of the jobs, with ``hydra``; changed in place.
    """

    def __init__(self, cfg: DictConfig) -> None:
        OmegaConf.set_readonly(cfg.hydra, False)
        self.cfg = cfg
        self._texts: dict[str, str] = {}
        # Settings that have had more than one value, and with them the interpolations that follow from them.
        self._changed: list[str] = []
        self._varying: dict[str, str] = {}
        self._task: list[str] = []
        self._dirname = ""
        # Of the first job whose values were asked for.
        self._config: dict[str, Any] = {}
        self._composed: dict[str, Any] = {}

    def set(self, settings: Iterable[Override], task: Sequence[str], dirname: str) -> None:
        """Make ``cfg`` another job's.

        Args:
            settings: overrides of settings, the same settings for each job; none is a mapping or a part of another.
            task: all overrides of the job, without those of Hydra's own settings.
            dirname: Hydra's name of the job by its overrides.

        Raises:
            OmegaConfBaseException: if there is no such setting, or the value is of another type.
        """
        for override in settings:
            key, text = override.key_or_group, str(override.input_line)
            if self._texts.get(key) != text:
                OmegaConf.update(self.cfg, key, override.value())
                if key in self._texts and key not in self._changed:
                    self._changed.append(key)
                    self._varying = {}
                self._texts[key] = text
        hydra = self.cfg.hydra
        if len(task) != len(self._task):
            hydra.overrides.task = self._task = list(task)
        # Most stay as they are, and assigning them takes as long as everything else.
        for place, text in enumerate(task):
            if text != self._task[place]:
                hydra.overrides.task[place] = self._task[place] = text
        if dirname != self._dirname:
            hydra.job.override_dirname = self._dirname = dirname

    def unresolved(self) -> dict[str, Any]:
        """The job's settings without ``hydra``, interpolations unresolved."""
        if not self._composed:
            self._composed = OmegaConf.to_container(self.cfg, enum_to_str=True)  # type: ignore[assignment]
        settings = {name: value for name, value in self._composed.items() if name != "hydra"}
        return replaced(settings, {key: _unresolved(self.cfg, key) for key in self._changed})  # type: ignore[no-any-return]

    def plain(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The job's values: the configuration without ``hydra``, resolved; and all of it, unresolved.

        Raises:
            OmegaConfBaseException: if an interpolation cannot be resolved, or a value is missing.
        """
        unresolved = self.unresolved()
        return self._resolved(unresolved), unresolved | {"hydra": self._hydra()}

    def text(self, path: str, composed: Mapping[str, Any]) -> Any:
        """A text of the job, resolved; None if there is none.

        Args:
            path: of the setting.
            composed: all values of the job, unresolved.
        """
        text = find(composed, path)
        value = _substituted(text, composed) if isinstance(text, str) else None
        return OmegaConf.select(self.cfg, path) if value is None else value

    def _hydra(self) -> dict[str, Any]:
        hydra = self.cfg.hydra
        of_job = {
            "overrides.task": list(self._task),
            "job.override_dirname": self._dirname,
            "job.num": hydra.job.num,
            "job.id": hydra.job.id,
            "runtime.output_dir": hydra.runtime.output_dir,
        }
        return replaced(self._composed["hydra"], of_job)  # type: ignore[no-any-return]

    def _resolved(self, unresolved: Mapping[str, Any]) -> dict[str, Any]:
        cfg = self.cfg
        if not self._config:
            self._config = {name: _resolved(cfg, name) for name in unresolved}
            return self._config
        if not self._varying:
            self._varying = varying_interpolations(unresolved, self._changed)
        config = replaced(self._config, {key: _resolved(cfg, key) for key in self._changed})
        for path, text in self._varying.items():
            value = _substituted(text, config)
            # The type of a setting may convert the value.
            if value is None or type(value) is not type(find(self._config, path)):
                value = _resolved(cfg, path)
            config = replaced(config, {path: value})
        return config  # type: ignore[no-any-return]


def varying_interpolations(settings: Mapping[str, Any], keys: Iterable[str]) -> dict[str, str]:
    """The interpolations whose values may differ between jobs.

    Args:
        settings: plain values, unresolved.
        keys: the settings in which jobs differ.

    Returns:
        Path and text of all that refer to one of the keys, directly or through others, each behind those that it refers
        to; and of all that are more than references and calls of pure resolvers, such as ``${hydra:job.num}``.
    """
    texts = {
        path: text
        for path, text in _interpolations(settings, "")
        # The values of the keys are resolved as a whole.
        if not any(path == key or path.startswith(f"{key}.") for key in keys)
    }
    changed = set(keys)
    while more := [path for path, text in texts.items() if path not in changed and _may_vary(text, changed)]:
        changed.update(more)
    left = {path: text for path, text in texts.items() if path in changed}
    ordered: dict[str, str] = {}
    while left:
        # In a circle, OmegaConf reports the error.
        ready = [path for path, text in left.items() if not _refers(text, left.keys() - {path})] or list(left)
        ordered |= {path: left.pop(path) for path in ready}
    return ordered


def _may_vary(text: str, changed: Iterable[str]) -> bool:
    is_opaque = "${" in _PURE.sub("", _REFERENCE.sub("", text)) or "\\" in text
    return is_opaque or _refers(text, changed)


def _refers(text: str, keys: Iterable[str]) -> bool:
    """Whether an interpolation refers to one of the settings, to a part of it, or to a mapping around it."""
    names = _REFERENCE.findall(text)
    return any(f"{name}.".startswith(f"{key}.") or key.startswith(f"{name}.") for name in names for key in keys)


def _substituted(text: str, config: Mapping[str, Any]) -> Any:
    """The value of an interpolation of plain references; None if only OmegaConf can tell.

    OmegaConf parses it anew for each job, which takes half a millisecond (measured).
    """
    if "${" in _REFERENCE.sub("", text) or "\\" in text:
        return None
    values = {name: find(config, name) for name in _REFERENCE.findall(text)}
    if any(value is None or isinstance(value, dict | list) or "${" in str(value) for value in values.values()):
        return None
    whole = _REFERENCE.fullmatch(text)
    return values[whole[1]] if whole else _REFERENCE.sub(lambda found: str(values[found[1]]), text)


def _interpolations(values: Any, path: str) -> Iterator[tuple[str, str]]:
    """Path and text of each interpolation in plain values."""
    if isinstance(values, str) and "${" in values:
        yield path, values
    pairs = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in pairs:
        yield from _interpolations(value, f"{path}.{key}" if path else str(key))


def _resolved(cfg: DictConfig, path: str) -> Any:
    value = OmegaConf.select(cfg, path, throw_on_missing=True)
    if not OmegaConf.is_config(value):
        return value
    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True)


def _unresolved(cfg: DictConfig, path: str) -> Any:
    """A setting as it was typed, an interpolation as its text."""
    parent, _, name = path.rpartition(".")
    node = OmegaConf.select(cfg, parent) if parent else cfg
    if OmegaConf.is_interpolation(node, name) or OmegaConf.is_missing(node, name):
        # Ten times as slow.
        return OmegaConf.to_container(OmegaConf.masked_copy(node, [name]))[name]  # type: ignore[call-overload, index]
    value = node[name]
    return OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
