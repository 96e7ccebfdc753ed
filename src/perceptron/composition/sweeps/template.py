"""What jobs of a sweep have in common: composed once by Hydra, then set from job to job in place.

Hydra composes, resolves and copies everything anew for each job, which takes longer than to train it beside others
(measured).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict

from perceptron.composition.settings.interpolations import followed, resettle, settle
from perceptron.composition.settings.output_folders import is_shared
from perceptron.composition.settings.plain import at, replaced
from perceptron.runs.plain_yaml import YamlSeries, as_yaml

_NUMBER = "${hydra.job.num}"


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
        texts = self.template.texts
        return {
            "config.yaml": texts["config"].text(self.raw),
            "hydra.yaml": texts["hydra"].text({"hydra": hydra}),
            "overrides.yaml": as_yaml(list(self.overrides)),
        }


class JobTemplate:
    """A configuration whose jobs differ in the values of some settings.

    Args:
        cfg: the first job's, composed by Hydra, with ``hydra``.
        keys: the settings that differ.

    Attributes:
        cfg: the configuration of the job that was set last, with ``hydra``. The next one is set in place.
        varying: settings in which jobs may differ, from the first ``enter`` on.
        dirname_style: how Hydra names a job by its overrides.
        hydra_values: what lies in ``hydra``, as it was composed, from the first ``enter`` on.
        texts: write those files of the jobs that are alike.
    """

    def __init__(self, cfg: DictConfig, keys: Sequence[str]) -> None:
        self.cfg = cfg
        self._keys = tuple(keys)
        self._texts: dict[str, str] = {}
        # Keys whose values stand in ``cfg`` alone, and not yet among the raw ones, or in what was entered.
        self._unread: set[str] = set()
        self._unentered: set[str] = set()
        self._entered: DictConfig | None = None
        self._hydra: Any = None
        self._raw: dict[str, Any] = {}
        self._plain: dict[str, Any] = {}
        self._dependent: dict[str, str] = {}
        self.varying: list[str] = []
        self.dirname_style: dict[str, Any] = _plain_value(cfg.hydra.job.config.override_dirname)
        self._shared_dir: str | None = None
        self._task = self._entered_task = typed_overrides(cfg)
        self._dirname = ""
        self._chosen: dict[str, str] = {}
        self.hydra_values: dict[str, Any] = {}
        self.texts = {"config": YamlSeries(), "hydra": YamlSeries()}

    def set(self, settings: Sequence[Override], task: Sequence[str], dirname: str) -> None:
        """Make ``cfg`` another job's.

        Args:
            settings: values of ``keys``.
            task: all overrides of the job as text, those of Hydra left out.
            dirname: Hydra's name of the job by its overrides.

        Raises:
            OmegaConfBaseException: where a value is of another kind than its setting.
        """
        for override in settings:
            key, text = override.key_or_group, str(override.input_line)
            # Most jobs of a sweep differ in a few of the settings that were typed.
            if self._texts.get(key) != text:
                OmegaConf.update(self.cfg, key, override.value(), merge=True)
                self._texts[key] = text
                self._unread.add(key)
                self._unentered.add(key)
        _name(self.cfg.hydra, task, dirname, before=self._task)
        self._task, self._dirname = tuple(task), dirname

    def enter(self, number: int) -> DictConfig:
        """The job's configuration without ``hydra``, which ``${hydra:...}`` reads from now on; set in place, too.

        Its interpolations are resolved.
        """
        if self._entered is None:
            self._enter_first(number)
        assert self._entered is not None  # noqa: S101
        HydraConfig.instance().cfg = self._hydra
        entered: Any = HydraConfig.get()
        for hydra in (self.cfg.hydra, entered):
            hydra.job.num, hydra.job.id = number, str(number)
        _name(entered, self._task, self._dirname, before=self._entered_task)
        # It may have any of these in it, from here or from there.
        folder = self._folder(number)
        for hydra in (self.cfg.hydra, entered):
            hydra.runtime.output_dir = folder
        self._entered_task = self._task
        self._read()
        for key in self._unentered:
            OmegaConf.update(self._entered, key, at(self._raw, key), merge=True)
        self._unentered.clear()
        resettle(self._entered, self._dependent)
        return self._entered

    def of_job(self, number: int) -> DictConfig:
        """A copy of ``cfg`` for Hydra to run."""
        cfg: DictConfig = self.cfg.copy()
        cfg.hydra.job.id, cfg.hydra.job.num = str(number), number
        return cfg

    def job(self, number: int) -> PlainJob:
        """The job in plain values."""
        self._read()
        folder, config = self._followed(number) or self._resolved(number)
        return PlainJob(
            number=number,
            overrides=self._task,
            config=config,
            chosen=self._chosen,
            folder=Path(folder),
            template=self,
            raw=self._raw,
            dirname=self._dirname,
        )

    def _read(self) -> None:
        """Learn what ``set`` has changed."""
        if self._entered is not None:
            self._raw = replaced(self._raw, {key: self._raw_value(key) for key in self._unread})
            self._unread.clear()

    def _resolved(self, number: int) -> tuple[str, Any]:
        """Folder and configuration of the job, by OmegaConf."""
        entered = self.enter(number)
        varying = {key: _plain_value(OmegaConf.select(entered, key)) for key in self.varying}
        return str(self.cfg.hydra.runtime.output_dir), replaced(self._plain, varying)

    def _followed(self, number: int) -> tuple[str, Any] | None:
        """The same from plain values; None where only OmegaConf can tell."""
        if self._entered is None or self._shared_dir is None or self.hydra_values["sweep"]["subdir"] != _NUMBER:
            return None
        folder = self._folder(number)
        of_hydra = {
            "job.num": number,
            "job.id": str(number),
            "job.override_dirname": self._dirname,
            "runtime.output_dir": folder,
        }
        values = {key: at(self._raw, key) for key in self._keys}
        if any(map(_is_open, values.values())):
            return None
        config = followed(replaced(self._plain, values), self._dependent, of_hydra)
        return None if config is None else (folder, config)

    def _enter_first(self, number: int) -> None:
        self.cfg.hydra.job.id, self.cfg.hydra.job.num = str(number), number
        HydraConfig.instance().set_config(self.cfg)
        self._raw = _plain_value(self.cfg, resolve=False)
        self.hydra_values = self._raw.pop("hydra")
        self._shared_dir = self._sweep_dir() if is_shared(str(self.hydra_values["sweep"]["dir"])) else None
        OmegaConf.set_readonly(self.cfg.hydra, False)
        self.cfg.hydra.runtime.output_dir = self._folder(number)
        HydraConfig.instance().set_config(self.cfg)
        self._hydra = HydraConfig.instance().cfg
        # Hydra makes both read-only; to allow anew what is set for each job takes longer than to set it.
        entered_hydra: Any = HydraConfig.get()
        for hydra in (self.cfg.hydra, entered_hydra):
            OmegaConf.set_readonly(hydra, False)
        self._chosen = self.hydra_values["runtime"]["choices"]
        entered = self.cfg.copy()
        with open_dict(entered):
            del entered["hydra"]
        self._dependent = settle(entered, self._keys)
        self.varying = [*self._keys, *self._dependent]
        self._plain = _plain_value(entered)
        # Last: where the first job cannot be read, the next is the first.
        self._entered, self._entered_task = entered, self._task

    def _folder(self, number: int) -> str:
        subdir = str(self.hydra_values["sweep"]["subdir"])
        # The default, without OmegaConf's parser.
        own = str(number) if subdir == _NUMBER else str(OmegaConf.select(self.cfg, "hydra.sweep.subdir"))
        return str(Path(self._shared_dir or self._sweep_dir(), own).absolute())

    def _sweep_dir(self) -> str:
        return str(OmegaConf.select(self.cfg, "hydra.sweep.dir"))

    def _raw_value(self, key: str) -> Any:
        """A setting as it was typed, an interpolation as such."""
        parent, _, name = key.rpartition(".")
        node = OmegaConf.select(self.cfg, parent) if parent else self.cfg
        if OmegaConf.is_interpolation(node, name):
            return _plain_value(node, resolve=False)[name]
        return _plain_value(node[name], resolve=False)


def typed_overrides(cfg: DictConfig) -> tuple[str, ...]:
    """Overrides of a multirun or a job as they were typed: what their interpolations refer to is not beside them."""
    return tuple(_plain_value(cfg.hydra.overrides.task, resolve=False))


def _name(hydra: Any, task: Sequence[str], dirname: str, *, before: Sequence[str]) -> None:
    """Write down what a job's overrides are; those that stand there already stay: OmegaConf looks at each for long."""
    hydra.job.override_dirname = dirname
    if len(before) != len(task):
        hydra.overrides.task = list(task)
        return
    there = hydra.overrides.task
    for i, (old, new) in enumerate(zip(before, task, strict=True)):
        if old != new:
            there[i] = new


def _is_open(value: Any) -> bool:
    """Whether a plain value is yet to be resolved."""
    if isinstance(value, str):
        return "${" in value or value == "???"
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_is_open, value)))


def _plain_value(value: Any, *, resolve: bool = True) -> Any:
    if not OmegaConf.is_config(value):
        return value
    return OmegaConf.to_container(value, resolve=resolve, throw_on_missing=resolve, enum_to_str=not resolve)
