"""The loader of a multirun's jobs: those that differ only in plain values share one composition by Hydra.

Hydra reads and merges all configuration files anew for each job: 165 ms, where setting a few values takes less than one
(measured), and longer than training the job beside others.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.population.shared_composition import SharedComposition
from perceptron.composition.settings.fit_to_targets import fit_to_targets
from perceptron.composition.settings.parsing import parsed_override


class _Job(NamedTuple):
    """What is set in a shared composition for a job: the arguments of ``SharedComposition.set``."""

    composition: SharedComposition
    settings: Sequence[Override]
    task: Sequence[str]
    dirname: str


@lru_cache(maxsize=1)
def shared_loader(loader: ConfigLoader) -> "JobLoader":
    """The loader of a multirun's jobs: what lists them and what trains them share overrides and compositions.

    Args:
        loader: Hydra's own, which is made anew for each multirun.
    """
    return JobLoader(loader)


class JobLoader:
    """Hydra's ``ConfigLoader``, except for the jobs of a multirun.

    Those that differ only in plain values share a composition, in which each job's values are set in turn.

    Args:
        loader: Hydra's own.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._groups: set[str] = set()
        self._master: DictConfig | None = None
        # All of one multirun.
        self._compositions: dict[tuple[tuple[str, ...], tuple[str, ...]], SharedComposition] = {}
        # The list of jobs, grouping and training each ask for every job.
        self._jobs: dict[tuple[str, ...], _Job] = {}

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
        if master_config is not self._master:
            self._master = master_config
            self._compositions, self._jobs = {}, {}
        key = tuple(sweep_overrides)
        if key not in self._jobs:
            self._jobs[key] = self._parsed(master_config, sweep_overrides)
        job = self._jobs[key]
        # As Hydra does: since the jobs were listed, the multirun may have been given its folder.
        OmegaConf.copy_cache(master_config, job.composition.cfg)
        try:
            job.composition.set(job.settings, job.task, job.dirname)
        except OmegaConfBaseException:
            # Hydra's own error names the override.
            self._by_hydra(master_config, sweep_overrides)
            raise
        return job.composition

    def _parsed(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> _Job:
        """A job's overrides and the composition that it shares, which is made for the first job that has it."""
        overrides = [parsed_override(text) for text in sweep_overrides]
        settings, others = self._divided(overrides)
        key = others, tuple(map(_name, settings))
        if key not in self._compositions:
            is_master = self._differs_in_values(master_config, others, settings)
            cfg = master_config.copy() if is_master else self._by_hydra(master_config, sweep_overrides)
            fit_to_targets(cfg, cfg.hydra)
            self._compositions[key] = SharedComposition(cfg)
        composition = self._compositions[key]
        task = [override for override in overrides if not override.is_hydra_override()]
        dirname = _dirname(task, composition.cfg.hydra.job.config.override_dirname)
        return _Job(composition, settings, [str(override.input_line) for override in task], dirname)

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
                # Other targets have other defaults.
                or override.key_or_group.endswith("_target_")
                or self._is_group(override.key_or_group)
                or isinstance(override.value(), dict)
                # What is added to the root is moved to extras when the job is composed.
                or (override.is_add() and "." not in override.key_or_group)
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


def _name(override: Override) -> str:
    """The key of an override with its prefix, such as ``+``."""
    return str(override.input_line).partition("=")[0]


def _overlap(one: Override, other: Override) -> bool:
    """Whether two overrides set the same value, or one of them a part of the other's."""
    first, second = (f"{override.key_or_group}." for override in (one, other))
    return first.startswith(second) or second.startswith(first)


def _dirname(overrides: Sequence[Override], style: Any) -> str:
    """``hydra.job.override_dirname``: the sorted overrides on one line, without the excluded keys."""
    excluded = set(style.exclude_keys)
    lines = sorted(str(override.input_line) for override in overrides if override.key_or_group not in excluded)
    return str(style.item_sep.join(lines)).replace("=", style.kv_sep)
