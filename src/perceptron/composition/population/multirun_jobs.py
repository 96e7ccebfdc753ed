"""The jobs of a multirun as plain values."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.population.job_loader import JobLoader
from perceptron.composition.population.shared_composition import SharedComposition
from perceptron.composition.settings.output_folders import is_shared
from perceptron.runs.folder import Run
from perceptron.runs.plain_yaml import as_yaml
from perceptron.terminal.text import DATED, VisibleFormatter

# The groups on which grouping depends, see ``group_jobs``.
_GROUPED = ("data", "model", "optimizer", "scheduler", "trainer", "metrics", "callbacks")
_FORMATTER = VisibleFormatter(DATED)
_SUBDIR = "hydra.sweep.subdir="


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
    def draws_figures(self) -> bool:
        """Whether its figures are drawn: those of a large sweep take longer than its training, so only if asked for."""
        typed = (text.lstrip("+~").partition("=")[0] for text in self.overrides)
        return self.config["figures"] == "end" and "figures" in typed

    @property
    def choices(self) -> Mapping[str, str]:
        """The option of each of Hydra's groups."""
        choices: Mapping[str, str] = self.composed["hydra"]["runtime"]["choices"]
        return choices

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return Path(self.config["paths"]["output_dir"])

    def write_hydra_files(self, entries: Iterable[logging.LogRecord] = ()) -> None:
        """Leave in the job's folder what Hydra leaves there: three files that tell what was composed, and the log.

        Args:
            entries: of the log.
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
        self.log(entries)

    def log(self, entries: Iterable[logging.LogRecord]) -> None:
        """Append entries to the job's log, in the form that they have in a run alone."""
        if self.log_file is not None:
            with Path(self.log_file).open("a", encoding="utf-8") as file:
                file.writelines(f"{_FORMATTER.format(entry)}\n" for entry in entries)


class MultirunJobs:
    """The jobs of a multirun by their numbers.

    The numbers follow one another, except for jobs whose own ``hydra.sweep.subdir`` is another number: a search names
    the folder of a job by its trial, and draws that its filter leaves out are trials, too.

    Args:
        loader: composes them.
        config: the multirun's configuration.
        overrides: of each job.
        first: number of the first job.

    Attributes:
        numbers: of the jobs, in their order.
    """

    def __init__(
        self, loader: JobLoader, config: DictConfig, overrides: Sequence[Sequence[str]], first: int = 0
    ) -> None:
        self.config = config
        self.numbers = [_number(job, default) for default, job in enumerate(overrides, start=first)]
        self._loader = loader
        self._overrides = dict(zip(self.numbers, overrides, strict=True))
        typed: Any = OmegaConf.to_container(config.hydra.sweep, resolve=False)
        # None if its name may contain settings of the jobs.
        self._folder = str(config.hydra.sweep.dir) if is_shared(str(typed["dir"])) else None

    def settings(self, number: int) -> dict[str, Any]:
        """The groups of a job's settings on which grouping depends, interpolations unresolved."""
        settings = self._shared(number).unresolved()
        return {name: settings[name] for name in _GROUPED}

    def enter(self, number: int) -> SharedComposition:
        """Set the composition that a job shares to this job, from which ``${hydra:...}`` reads until the next call."""
        composition = self._shared(number)
        hydra = composition.cfg.hydra
        of_job = hydra.job
        of_job.num, of_job.id = number, str(number)
        hydra_config: Any = HydraConfig.instance()
        hydra_config.cfg = composition.cfg
        hydra.runtime.output_dir = str(Path(self._folder or str(hydra.sweep.dir), str(hydra.sweep.subdir)).absolute())
        return composition

    def unfinished(self) -> list[int]:
        """The numbers of the jobs whose runs are not finished, or whose folders cannot be resolved."""
        # The folder of a job takes 4 ms to resolve (measured), and a new sweep has none.
        if self._folder is not None and not any(Path(self._folder).glob("**/.hydra")):
            return list(self.numbers)
        return [number for number in self.numbers if not self._is_finished(number)]

    def job(self, number: int) -> ComposedJob:
        """A job as plain values.

        Raises:
            OmegaConfBaseException: if an interpolation cannot be resolved, or a value is missing.
        """
        composition = self.enter(number)
        config, composed = composition.plain()
        log_file = composition.text("hydra.job_logging.handlers.file.filename", composed)
        return ComposedJob(number, config, composed, log_file)

    def for_hydra(self, number: int) -> DictConfig:
        """A copy of a job's configuration for Hydra to run."""
        cfg = self._shared(number).cfg.copy()
        cfg.hydra.job.num, cfg.hydra.job.id = number, str(number)
        return cfg

    def overrides(self, number: int) -> Sequence[str]:
        """The overrides that make a job."""
        return self._overrides[number]

    def _is_finished(self, number: int) -> bool:
        try:
            return Run(Path(self.enter(number).cfg.paths.output_dir)).is_finished
        except OmegaConfBaseException:
            return False

    def _shared(self, number: int) -> SharedComposition:
        return self._loader.shared(self.config, self._overrides[number])


def _number(overrides: Sequence[str], default: int) -> int:
    """The number of a job, by which its folder is named."""
    names = [text.removeprefix(_SUBDIR) for text in overrides if text.startswith(_SUBDIR)]
    return int(names[-1]) if names and names[-1].isascii() and names[-1].isdecimal() else default
