"""What jobs of a sweep have in common: composed once by Hydra, then set from job to job in place.

Hydra composes, resolves and copies everything anew for each job: 150 ms, as long as the training of such a job beside
others (measured).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from perceptron.runs.files import as_yaml

# Functions of YAML files whose value follows from their arguments alone; others are asked anew for each job.
_PURE = ("default_monitor", "direction_of")
_NODE = re.compile(r"\$\{([\w.]+)\}")
_FUNCTION = re.compile(r"\$\{([\w.]+):")


@dataclass(frozen=True, kw_only=True)
class PlainJob:
    """A job of a multirun in plain values.

    Attributes:
        number: of the job in the sweep.
        overrides: that make it, those of Hydra left out.
        config: plain configuration, interpolations resolved.
        chosen: option of each of Hydra's groups.
        folder: of its run.
        template: what it shares with others.
        raw: its settings as they were composed, interpolations as they are.
        dirname: Hydra's name of it by its overrides.
    """

    number: int
    overrides: tuple[str, ...]
    config: dict[str, Any]
    chosen: Mapping[str, str]
    folder: Path
    template: "JobTemplate"
    raw: dict[str, Any]
    dirname: str

    def hydra_files(self) -> dict[str, str]:
        """Texts of the files that Hydra leaves in a job's ``.hydra``, by their names."""
        hydra = self.template.hydra_values
        hydra = hydra | {
            "overrides": hydra["overrides"] | {"task": list(self.overrides)},
            "job": hydra["job"] | {"override_dirname": self.dirname, "id": str(self.number), "num": self.number},
            "runtime": hydra["runtime"] | {"output_dir": str(self.folder)},
        }
        return {
            "config.yaml": as_yaml(self.raw),
            "hydra.yaml": as_yaml({"hydra": hydra}),
            "overrides.yaml": as_yaml(list(self.overrides)),
        }


class JobTemplate:
    """A configuration whose jobs differ in the values of some settings.

    Args:
        cfg: the first job's, composed by Hydra, with ``hydra``.
        keys: the settings that differ.

    Attributes:
        cfg: the configuration of the job that was set last, with ``hydra``. The next one is set in place.
    """

    def __init__(self, cfg: DictConfig, keys: Sequence[str]) -> None:
        self.cfg = cfg
        self._keys = tuple(keys)
        self._entered: DictConfig | None = None
        self._hydra: Any = None
        self._raw: dict[str, Any] = {}
        self._plain: dict[str, Any] = {}
        self._dependent: dict[str, str] = {}
        self._varying: list[str] = []
        self._chosen: dict[str, str] = {}
        self.hydra_values: dict[str, Any] = {}

    def set(self, settings: Sequence[Override], task: Sequence[str], dirname: str) -> DictConfig:
        """Make ``cfg`` another job's.

        Args:
            settings: values of ``keys``.
            task: all overrides of the job as text, those of Hydra left out.
            dirname: Hydra's name of the job by its overrides.

        Raises:
            OmegaConfBaseException: where a value is of another kind than its setting.
        """
        # An entered configuration is not to be changed elsewhere.
        with read_write(self.cfg.hydra):
            for override in settings:
                OmegaConf.update(self.cfg, override.key_or_group, override.value(), merge=True)
            self.cfg.hydra.overrides.task = list(task)
            self.cfg.hydra.job.override_dirname = dirname
        return self.cfg

    def enter(self, number: int) -> DictConfig:
        """The job's configuration without ``hydra``, which ``${hydra:...}`` reads from now on; set in place, too.

        Its interpolations are resolved.
        """
        if self._entered is None:
            self._enter_first(number)
        assert self._entered is not None  # noqa: S101
        HydraConfig.instance().cfg = self._hydra
        own: list[Any] = [self.cfg.hydra, HydraConfig.get()]
        for hydra in own:
            with read_write(hydra), open_dict(hydra):
                hydra.job.num, hydra.job.id = number, str(number)
                hydra.overrides.task = self.cfg.hydra.overrides.task
                hydra.job.override_dirname = self.cfg.hydra.job.override_dirname
        folder = str(self._folder())
        for hydra in own:
            with read_write(hydra), open_dict(hydra):
                hydra.runtime.output_dir = folder
        for key in self._keys:
            OmegaConf.update(self._entered, key, self._raw_value(key), merge=True)
        for path, text in self._dependent.items():
            OmegaConf.update(self._entered, path, self._value(path, text), merge=False)
        return self._entered

    def of_job(self, number: int) -> DictConfig:
        """A copy of ``cfg`` for Hydra to run."""
        cfg: DictConfig = self.cfg.copy()
        with read_write(cfg.hydra.job), open_dict(cfg):
            cfg.hydra.job.id, cfg.hydra.job.num = str(number), number
        return cfg

    def job(self, number: int) -> PlainJob:
        """The job that was entered, in plain values."""
        assert self._entered is not None  # noqa: S101
        config, raw = deepcopy(self._plain), deepcopy(self._raw)
        for key in self._keys:
            _put(raw, key, self._raw_value(key))
        for key in self._varying:
            _put(config, key, _plain_value(OmegaConf.select(self._entered, key)))
        return PlainJob(
            number=number,
            overrides=tuple(self.cfg.hydra.overrides.task),
            config=config,
            chosen=self._chosen,
            folder=Path(self.cfg.hydra.runtime.output_dir),
            template=self,
            raw=raw,
            dirname=self.cfg.hydra.job.override_dirname,
        )

    def _enter_first(self, number: int) -> None:
        with open_dict(self.cfg):
            self.cfg.hydra.job.id, self.cfg.hydra.job.num = str(number), number
        HydraConfig.instance().set_config(self.cfg)
        with read_write(self.cfg.hydra.runtime), open_dict(self.cfg.hydra.runtime):
            self.cfg.hydra.runtime.output_dir = str(self._folder())
        HydraConfig.instance().set_config(self.cfg)
        self._hydra = HydraConfig.instance().cfg
        self._raw = _plain_value(self.cfg, resolve=False)
        self.hydra_values = self._raw.pop("hydra")
        self._chosen = self.hydra_values["runtime"]["choices"]
        self._entered = self.cfg.copy()
        with open_dict(self._entered):
            del self._entered["hydra"]
        interpolated = dict(_interpolated(self._raw))
        self._dependent = dependents(interpolated, self._keys)
        for path in interpolated.keys() - self._dependent.keys():
            OmegaConf.update(self._entered, path, OmegaConf.select(self._entered, path), merge=False)
        self._varying = [*self._keys, *self._dependent]
        self._plain = _plain_value(self._entered)

    def _value(self, path: str, text: str) -> Any:
        """Value of an interpolation; one of references alone without OmegaConf's parser, which takes a millisecond."""
        assert self._entered is not None  # noqa: S101

        def referred(name: str) -> Any:
            return OmegaConf.select(self._entered, name, throw_on_missing=True)  # type: ignore[arg-type]

        if whole := _NODE.fullmatch(text):
            return referred(whole[1])
        if "${" not in _NODE.sub("", text):
            return _NODE.sub(lambda found: str(referred(found[1])), text)
        OmegaConf.update(self._entered, path, text, merge=False)
        return referred(path)

    def _folder(self) -> Path:
        parts = (str(OmegaConf.select(self.cfg, f"hydra.sweep.{part}")) for part in ("dir", "subdir"))
        return Path(*parts).absolute()

    def _raw_value(self, key: str) -> Any:
        """A setting as it was typed, an interpolation as such."""
        parent, _, name = key.rpartition(".")
        node = OmegaConf.select(self.cfg, parent) if parent else self.cfg
        if OmegaConf.is_interpolation(node, name):
            return _plain_value(node, resolve=False)[name]
        return _plain_value(node[name], resolve=False)


def dependents(interpolated: Mapping[str, str], keys: Sequence[str]) -> dict[str, str]:
    """Those interpolations that may give another value for each job, each behind those that it refers to.

    Args:
        interpolated: text of each interpolation by its path.
        keys: settings that differ between jobs.
    """
    others = {path: text for path, text in interpolated.items() if path not in keys}
    # A reference that starts with a dot is relative, and not followed.
    found = {
        path
        for path, text in others.items()
        if "${." in text or any(name not in _PURE for name in _FUNCTION.findall(text))
    }
    while True:
        changed = {*keys, *found}
        more = {path for path in others.keys() - found if _refers(others[path], changed)}
        if not more:
            break
        found |= more
    ordered: dict[str, str] = {}
    while left := found - ordered.keys():
        # Where they refer to one another in a circle, OmegaConf says so.
        ready = {path for path in left if not _refers(others[path], left - {path})} or left
        ordered |= {path: others[path] for path in sorted(ready)}
    return ordered


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


def _plain_value(value: Any, *, resolve: bool = True) -> Any:
    if not OmegaConf.is_config(value):
        return value
    return OmegaConf.to_container(value, resolve=resolve, throw_on_missing=resolve, enum_to_str=not resolve)


def _put(values: Any, path: str, value: Any) -> None:
    """Set a value deep inside dicts and lists."""
    *parents, last = path.split(".")
    for part in parents:
        values = values[int(part) if isinstance(values, list) else part]
    values[int(last) if isinstance(values, list) else last] = value
