"""The jobs of a multirun, composed quickly: those that differ only in plain values share one composition by Hydra.

Hydra reads and merges all configuration files anew for each job: 165 ms, where setting a few values takes less than one
(measured), and longer than training the job beside others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.population.shared_composition import SharedComposition
from perceptron.composition.settings.parsing import parsed_override
from perceptron.runs.plain_yaml import as_yaml

# The groups on which grouping depends, see ``group_key``.
_GROUPED = ("data", "model", "optimizer", "trainer", "metrics", "callbacks")


@dataclass(frozen=True)
class ComposedJob:
    """A job of a multirun as plain values, which can be sent to another process.

    Attributes:
        number: of the job in the multirun.
        config: the configuration, interpolations resolved.
        composed: the configuration as Hydra composed it, interpolations unresolved, with the node ``hydra``.
        log_file: where Hydra would write the job's log; None for no file.
    """

    number: int
    config: Mapping[str, Any]
    composed: Mapping[str, Any]
    log_file: str | None = None

    @property
    def overrides(self) -> list[str]:
        """The overrides that make the job, without those of Hydra's own settings."""
        return list(self.composed["hydra"]["overrides"]["task"])

    @property
    def choices(self) -> Mapping[str, str]:
        """The option of each of Hydra's groups."""
        choices: Mapping[str, str] = self.composed["hydra"]["runtime"]["choices"]
        return choices

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return Path(self.config["paths"]["output_dir"])

    def write_hydra_files(self) -> None:
        """Leave in the job's folder what Hydra leaves there: three files that tell what was composed, and an empty log.

        The multirun's own log reports what happens to the job.
        """
        hydra = self.composed["hydra"]
        output_dir = Path(hydra["runtime"]["output_dir"])
        output_dir.mkdir(parents=True, exist_ok=True)
        if hydra["output_subdir"] is not None:
            folder = output_dir / hydra["output_subdir"]
            folder.mkdir(parents=True, exist_ok=True)
            settings = {name: value for name, value in self.composed.items() if name != "hydra"}
            for name, values in (("config", settings), ("hydra", {"hydra": hydra}), ("overrides", self.overrides)):
                (folder / f"{name}.yaml").write_text(as_yaml(values), encoding="utf-8")
        if self.log_file is not None:
            Path(self.log_file).touch()


class JobLoader:
    """Hydra's ``ConfigLoader``, except for the jobs of a multirun.

    Those that differ only in plain values share a composition, in which each job's values are set in turn.

    Args:
        loader: Hydra's own.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._groups: set[str] = set()
        self._compositions: dict[tuple[tuple[str, ...], tuple[str, ...]], SharedComposition] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> DictConfig:
        """A job's configuration, equal to the one that Hydra composes.

        The next call may change it in place: a copy takes 7 ms, and Hydra's sweepers only see whether there is one.

        Args:
            master_config: the multirun's.
            sweep_overrides: the job's.

        Raises:
            HydraException: if Hydra cannot compose it.
        """
        return self.shared(master_config, sweep_overrides).cfg

    def shared(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> SharedComposition:
        """The composition that a job shares with others, set to this job; see ``load_sweep_config``."""
        overrides = [parsed_override(text) for text in sweep_overrides]
        settings, others = self._divided(overrides)
        key = others, tuple(map(_name, settings))
        if key not in self._compositions:
            is_master = self._differs_in_values(master_config, others, settings)
            cfg = master_config.copy() if is_master else self._by_hydra(master_config, sweep_overrides)
            self._compositions[key] = SharedComposition(cfg)
        composition = self._compositions[key]
        task = [override for override in overrides if not override.is_hydra_override()]
        texts = [str(override.input_line) for override in task]
        try:
            composition.set(settings, texts, _dirname(task, composition.cfg.hydra.job.config.override_dirname))
        except OmegaConfBaseException:
            # Hydra's own error names the override.
            self._by_hydra(master_config, sweep_overrides)
            raise
        return composition

    def _by_hydra(self, master_config: DictConfig, overrides: Sequence[str]) -> DictConfig:
        return self._loader.load_sweep_config(master_config, list(overrides))

    def _differs_in_values(self, master: DictConfig, others: tuple[str, ...], settings: Sequence[Override]) -> bool:
        """Whether a job differs from the multirun's configuration only in the values of settings.

        Args:
            master: the multirun's configuration, in which whatever is swept has its default.
            others: the job's overrides that are not plain settings.
            settings: those that are.
        """
        typed: Any = OmegaConf.to_container(master.hydra.overrides.task, resolve=False)
        overrides = [parsed_override(text) for text in typed]
        of_master, others_of_master = self._divided(overrides)
        if others_of_master != others:
            return False
        fixed = {_name(override) for override in of_master if not override.is_sweep_override()}
        names = set(map(_name, settings))
        # What a sweep adds with + is not in the multirun's configuration.
        return fixed <= names and not any(name.startswith("+") for name in names - fixed)

    def _divided(self, overrides: Sequence[Override]) -> tuple[list[Override], tuple[str, ...]]:
        """The overrides that set a plain value which no other override touches, and the texts of the others."""
        values = [override for override in overrides if not self._is_group(override.key_or_group)]
        settings, others = [], []
        for override in overrides:
            is_plain = not (
                override.is_delete()
                or override.package
                or override.is_hydra_override()
                or self._is_group(override.key_or_group)
                or isinstance(override.value(), dict)
                or any(_overlap(override, other) for other in values if other is not override)
            )
            if is_plain:
                settings.append(override)
            else:
                others.append(str(override.input_line))
        return settings, tuple(others)

    def _is_group(self, key: str) -> bool:
        if not self._groups:
            self._groups = set(self._loader.list_groups(""))
        return "/" in key or key in self._groups


class MultirunJobs:
    """The jobs of a multirun by their numbers.

    Args:
        loader: composes them.
        config: the multirun's configuration.
        overrides: of each job.
        first: number of the first job.
    """

    def __init__(
        self, loader: JobLoader, config: DictConfig, overrides: Sequence[Sequence[str]], first: int = 0
    ) -> None:
        self.config = config
        self.numbers = range(first, first + len(overrides))
        self._loader = loader
        self._overrides = dict(zip(self.numbers, overrides, strict=True))

    def settings(self, number: int) -> dict[str, Any]:
        """The groups of a job's settings on which grouping depends, interpolations unresolved."""
        cfg = self._shared(number).cfg
        return {name: OmegaConf.to_container(cfg[name]) for name in _GROUPED}

    def enter(self, number: int) -> SharedComposition:
        """Set the composition that a job shares to this job, from which ``${hydra:...}`` reads until the next call."""
        composition = self._shared(number)
        hydra = composition.cfg.hydra
        hydra.job.num, hydra.job.id = number, str(number)
        hydra_config: Any = HydraConfig.instance()
        hydra_config.cfg = composition.cfg
        hydra.runtime.output_dir = str(Path(str(hydra.sweep.dir), str(hydra.sweep.subdir)).absolute())
        return composition

    def job(self, number: int) -> ComposedJob:
        """A job as plain values.

        Raises:
            OmegaConfBaseException: if an interpolation cannot be resolved, or a value is missing.
        """
        composition = self.enter(number)
        log_file: Any = OmegaConf.select(composition.cfg, "hydra.job_logging.handlers.file.filename")
        return ComposedJob(number, *composition.plain(), log_file)

    def for_hydra(self, number: int) -> DictConfig:
        """A copy of a job's configuration for Hydra to run."""
        cfg = self._shared(number).cfg.copy()
        cfg.hydra.job.num, cfg.hydra.job.id = number, str(number)
        return cfg

    def overrides(self, number: int) -> Sequence[str]:
        """The overrides that make a job."""
        return self._overrides[number]

    def _shared(self, number: int) -> SharedComposition:
        return self._loader.shared(self.config, self._overrides[number])


def _name(override: Override) -> str:
    """The key of an override with its prefix, such as ``+``."""
    return str(override.input_line).partition("=")[0]


def _overlap(one: Override, other: Override) -> bool:
    """Whether two overrides set the same value, or one of them a part of the other's."""
    first, second = (f"{override.key_or_group}." for override in (one, other))
    return first.startswith(second) or second.startswith(first)


def _dirname(overrides: Sequence[Override], style: Any) -> str:
    """``hydra.job.override_dirname``: the sorted overrides on one line, without the excluded keys."""
    lines = sorted(
        str(override.input_line) for override in overrides if override.key_or_group not in style.exclude_keys
    )
    return str(style.item_sep.join(lines)).replace("=", style.kv_sep)
