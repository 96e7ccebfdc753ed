"""Values that refer to others, ``${seed}``: which of them may differ between jobs that differ in some settings."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.plain import at, replaced

# Functions of YAML files whose value follows from their arguments alone; others are asked anew for each job.
_PURE = ("default_monitor", "direction_of", "mode_of")
_NODE = re.compile(r"\$\{(\w[\w.]*)\}")
_HYDRA = re.compile(r"\$\{hydra:([\w.]+)\}")
_FUNCTION = re.compile(r"\$\{([\w.]+):")


def settle(cfg: DictConfig, keys: Sequence[str]) -> dict[str, str]:
    """Resolve, in place, what is the same for all jobs that differ in these settings.

    Args:
        cfg: without ``hydra``.
        keys: settings that differ between jobs.

    Returns:
        Text of each interpolation that is left, by its path, each behind those that it refers to.
    """
    interpolated = {
        path: text
        for path, text in _interpolated(OmegaConf.to_container(cfg, resolve=False))
        # Such as an element of a list that differs: another job's may be none.
        if not any(path == key or path.startswith(f"{key}.") for key in keys)
    }
    left = dependents(interpolated, keys)
    for path in interpolated.keys() - left.keys():
        _hold(cfg, path, OmegaConf.select(cfg, path))
    return left


def resettle(cfg: DictConfig, left: Mapping[str, str]) -> None:
    """Resolve, in place, what ``settle`` has left, for a job whose settings stand in the configuration.

    Args:
        cfg: that was settled.
        left: what ``settle`` gave.
    """
    if any(map(_is_opaque, left.values())):
        # It may refer to any other, which still has the value of the job before.
        for path, text in left.items():
            OmegaConf.update(cfg, path, text, merge=False)
    for path, text in left.items():
        _hold(cfg, path, _value_of(text, path, cfg))


def _hold(cfg: DictConfig, path: str, value: Any) -> None:
    # Where an interpolation was kept from being one by a backslash, its text would become one.
    if not (isinstance(value, str) and "${" in value):
        OmegaConf.update(cfg, path, value, merge=False)


def _value_of(text: str, path: str, cfg: DictConfig) -> Any:
    """Value of an interpolation; a plain reference without OmegaConf's parser, which takes a millisecond.

    Args:
        text: the interpolation.
        path: where it stands in ``cfg``.
        cfg: what it refers to.
    """

    def referred(name: str) -> Any:
        return OmegaConf.select(cfg, name, throw_on_missing=True)

    def of_hydra(name: str) -> Any:
        of_job: Any = HydraConfig.get()
        return OmegaConf.select(of_job, name, throw_on_missing=True)

    if _is_reference(text):
        return _looked_up(text, referred, of_hydra)
    OmegaConf.update(cfg, path, text, merge=False)
    return referred(path)


def _is_reference(text: str) -> bool:
    """Whether it is a setting, one of Hydra's, or a text with settings in it."""
    return _HYDRA.fullmatch(text) is not None or ("${" not in _NODE.sub("", text) and "\\" not in text)


def _looked_up(text: str, setting: Callable[[str], Any], of_hydra: Callable[[str], Any]) -> Any:
    if whole := _NODE.fullmatch(text):
        return setting(whole[1])
    if hydras := _HYDRA.fullmatch(text):
        return of_hydra(hydras[1])
    return _NODE.sub(lambda found: str(setting(found[1])), text)


def followed(values: Mapping[str, Any], left: Mapping[str, str], of_hydra: Mapping[str, Any]) -> Any:
    """What ``resettle`` gives, for plain values: OmegaConf takes a tenth of a millisecond for each.

    Args:
        values: plain, in which what was left has another job's value.
        left: what ``settle`` gave.
        of_hydra: what a reference to ``hydra`` may name.

    Returns:
        The values; None where only OmegaConf can tell: of functions, and where a value is of another kind than the
            other job's, because a setting's type decides what becomes of it.
    """
    if not all(map(_is_reference, left.values())):
        return None
    for path, text in left.items():
        try:
            value, other = _looked_up(text, partial(_scalar_at, values), of_hydra.__getitem__), at(values, path)
        except (LookupError, TypeError, ValueError):
            return None
        if type(value) is not type(other) or value is None or "${" in str(value):
            return None
        values = replaced(values, {path: value})
    return values


def _scalar_at(values: Any, path: str) -> Any:
    value = at(values, path)
    if isinstance(value, dict | list):
        raise TypeError(f"{path} holds others")
    return value


def dependents(interpolated: Mapping[str, str], keys: Sequence[str]) -> dict[str, str]:
    """Those interpolations that may give another value for each job, each behind those that it refers to.

    Args:
        interpolated: text of each interpolation by its path, without those settings.
        keys: settings that differ between jobs.
    """
    found = {path for path, text in interpolated.items() if _is_opaque(text) or _HYDRA.search(text)}
    while True:
        changed = {*keys, *found}
        more = {path for path in interpolated.keys() - found if _refers(interpolated[path], changed)}
        if not more:
            break
        found |= more
    ordered: dict[str, str] = {}
    while left := found - ordered.keys():
        # Where they refer to one another in a circle, OmegaConf says so.
        ready = {path for path in left if not _refers(interpolated[path], left - {path})} or left
        ordered |= {path: interpolated[path] for path in sorted(ready)}
    return ordered


def _is_opaque(text: str) -> bool:
    """Whether it is more than references by a whole path: relative, in brackets, or by a function that looks around."""
    rest = _HYDRA.sub("", _NODE.sub("", text))
    functions = _FUNCTION.findall(rest)
    return "\\" in text or "${." in text or "${" in _FUNCTION.sub("", rest) or not set(functions) <= set(_PURE)


def _refers(text: str, paths: Iterable[str]) -> bool:
    """Whether an interpolation refers to one of the paths, to a part of it, or to what it is a part of."""
    return any(
        name == path or name.startswith(f"{path}.") or path.startswith(f"{name}.")
        for name in _NODE.findall(text)
        for path in paths
    )


def _interpolated(values: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of each interpolation in plain values."""
    if isinstance(values, str) and "${" in values:
        yield path, values
    pairs = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in pairs:
        yield from _interpolated(value, f"{path}.{key}" if path else str(key))
