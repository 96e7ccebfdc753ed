"""The jobs of a multirun, made in one place before it starts: combined, filtered, composed and counted.

Imports nothing heavy.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Quote, QuotedString
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from perceptron.composition.population.job_loader import JobLoader, shared_loader
from perceptron.composition.population.multirun_jobs import ComposedJob, MultirunJobs
from perceptron.composition.settings.checks import check_job, check_values
from perceptron.composition.settings.parsing import parsed_overrides, values_of
from perceptron.composition.settings.sweep_options import SweepOptions
from perceptron.composition.settings.sweep_values import composed_job, typed_overrides
from perceptron.errors import UsageError
from perceptron.spelling import did_you_mean
from perceptron.sweeps.combination_filter import KEY, CombinationFilter, MissingSettingError

# Stands for a sweep's folder, which is made when a setting with its name is resolved.
_NO_FOLDER = "<folder>"
_MOST_NAMES = 8


@dataclass(frozen=True, kw_only=True)
class JobList:
    """The jobs of a multirun.

    Attributes:
        jobs: overrides of each, in the order of their numbers.
        n_left_out: combinations that the filter leaves out.
    """

    jobs: Sequence[Sequence[str]]
    n_left_out: int = 0


class UndecidedError(UsageError):
    """A combination lacks a setting by which a filter decides."""


def list_jobs(config: DictConfig, loader: ConfigLoader, options: SweepOptions) -> JobList:
    """The jobs of a multirun: all combinations of the values that are swept, without those that are left out.

    Each is composed, and where a filter leaves some out, each value of those that are left is checked.

    Args:
        config: the multirun's, with ``hydra``.
        loader: Hydra's.
        options: of the sweep.

    Raises:
        UsageError: for a job that cannot be composed, more jobs than are allowed, or a filter that leaves none, or
            names no setting.
    """
    values = values_of(parsed_overrides(typed_overrides(config), loader))
    n_combinations = math.prod(map(len, values))
    if options.filter is None:
        check_number(n_combinations, options)
    combinations = [list(job) for job in itertools.product(*values)]
    quick = cast(ConfigLoader, shared_loader(loader))
    if options.filter is None:
        for job in combinations:
            composed_job(config, job, quick)
        return JobList(jobs=combinations)
    admission = Admission(options.filter, config, loader)
    jobs = admission.admitted(combinations)
    if not jobs:
        raise UsageError(
            f"{KEY} must leave a job, got {options.filter.text}, which leaves out all {n_combinations}; widen it"
        )
    check_number(len(jobs), options)
    return JobList(jobs=jobs, n_left_out=n_combinations - len(jobs))


def check_number(n_jobs: int, options: SweepOptions, *, fix: str = f"narrow a range, leave some out by {KEY}") -> None:
    """Refuse a sweep of more jobs than are allowed.

    Args:
        n_jobs: their number.
        options: of the sweep.
        fix: what else can be done than to allow them.

    Raises:
        UsageError: if there are more.
    """
    if options.max_jobs is not None and n_jobs > options.max_jobs:
        raise UsageError(
            f"a sweep must have at most sweep.max_jobs={options.max_jobs} jobs, got {n_jobs}; {fix}, or set "
            f"sweep.max_jobs={n_jobs}"
        )


def placed(config: DictConfig, folder: str) -> DictConfig:
    """A copy of a multirun's configuration whose folder is another: that of the original is not made.

    Args:
        config: with ``hydra``.
        folder: of the sweep.
    """
    copy: DictConfig = config.copy()
    with read_write(copy.hydra), open_dict(copy.hydra):
        copy.hydra.sweep.dir = folder
        # Hydra composes the jobs anew from these.
        typed: Any = OmegaConf.to_container(copy.hydra.overrides.hydra, resolve=False)
        quoted = QuotedString(text=folder, quote=Quote.single).with_quotes()
        copy.hydra.overrides.hydra = [*typed, f"hydra.sweep.dir={quoted}"]
    return copy


@contextmanager
def hydras_settings_as_they_were() -> Iterator[None]:
    """Restore what ``${hydra:...}`` reads from at the end."""
    before = HydraConfig.instance().cfg
    try:
        yield
    finally:
        HydraConfig.instance().cfg = before


class Admission:
    """Decides by a filter which combinations are run, from all settings that they are composed of.

    Args:
        condition: the filter.
        config: the multirun's, with ``hydra``.
        loader: Hydra's.

    Attributes:
        text: of the filter.
    """

    def __init__(self, condition: CombinationFilter, config: DictConfig, loader: ConfigLoader) -> None:
        self.text = condition.text
        self._condition = condition
        self._config = placed(config, _NO_FOLDER)
        self._loader = JobLoader(loader)
        self._found: set[str] = set()
        self._known: dict[str, Any] = {}
        self._checked: set[str] = set()

    def admits(self, overrides: Sequence[str], *, checks: bool = False) -> bool:
        """Whether a combination is run.

        Args:
            overrides: that make it.
            checks: whether to check its settings, unless each of its overrides was in a combination that has been.

        Raises:
            UsageError: if it cannot be composed, or breaks a rule.
            UndecidedError: if it lacks a setting that decides.
        """
        with hydras_settings_as_they_were():
            cfg = composed_job(self._config, overrides, cast(ConfigLoader, self._loader))
            job = MultirunJobs(self._loader, self._config, [overrides]).job(0)
            values = self._named(job)
            try:
                is_admitted = self._condition.admits(values)
            except MissingSettingError as error:
                raise UndecidedError(
                    f"{KEY} must name settings that decide for every combination, got {error.name}, which one with "
                    f"{' '.join(overrides)} has not; exclude it before, such as optimizer != 'adam' and ..."
                ) from error
            if is_admitted and checks and not self._checked.issuperset(overrides):
                self._checked.update(overrides)
                check_values(job.config)
                check_job(cfg)
        return is_admitted

    def admitted(self, combinations: Iterable[Sequence[str]]) -> list[Sequence[str]]:
        """Those combinations that are run, each of whose values is checked.

        Args:
            combinations: overrides of each; together they have every setting that there is.

        Raises:
            UsageError: see ``admits``; also for a name that none of them has.
        """
        found: list[Sequence[str]] = []
        undecided: UndecidedError | None = None
        for overrides in combinations:
            try:
                if self.admits(overrides, checks=True):
                    found.append(overrides)
            except UndecidedError as error:
                undecided = undecided or error
        # A name that none of them has is misspelt.
        self._check_names()
        if undecided is not None:
            raise undecided
        return found

    def _check_names(self) -> None:
        """Refuse names that none of the combinations so far has.

        Raises:
            UsageError: for the first.
        """
        for name in self._condition.names:
            if name not in self._found:
                inside = [key for key in self._known if key.startswith(f"{name}.")]
                if inside:
                    raise UsageError(
                        f"{KEY} must name single settings, got {name}, which has several; name {inside[0]}"
                    )
                place = name.rpartition(".")[0]
                beside = [key for key in self._known if key.rpartition(".")[0] == place] or list(self._known)
                raise UsageError(f"{KEY} names no setting {name}; {did_you_mean(name, beside, most=_MOST_NAMES)}")

    def _named(self, job: ComposedJob) -> dict[str, Any]:
        """The values that the filter names; of a group, the option.

        A name that no combination has is misspelt, so which there are is remembered.
        """
        settings = _settings(job)
        named = {name: settings[name] for name in self._condition.names if name in settings}
        self._found |= named.keys()
        self._known |= settings
        return named


def _settings(job: ComposedJob) -> dict[str, Any]:
    """The settings of a job by their names with dots, and the option of each group."""
    options = {group.replace("/", "."): option for group, option in job.choices.items()}
    groups = {name: option for name, option in options.items() if not name.startswith("hydra")}
    return {**dict(_flat(job.config, "")), **groups}


def _flat(values: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value
