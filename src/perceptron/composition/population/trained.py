"""Members that are trained in one fit, and each one's results, written as if the job had run alone."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning as L
import torch

from perceptron.composition.building.instantiate import Again, Make
from perceptron.composition.building.trainer import build_loggers
from perceptron.composition.population.groups import Candidate, in_words, tell_alone
from perceptron.composition.settings.monitors import directions
from perceptron.errors import UsageError
from perceptron.files.writing import write_text
from perceptron.population import CannotStackError, Member, Population, fit_population
from perceptron.runs.checkpoints.best_checkpoint import best_entry
from perceptron.runs.checkpoints.metadata import StoredMetadata
from perceptron.runs.failures import explained_failures
from perceptron.runs.folder import monitored_value
from perceptron.runs.folder_lock import folder_lock
from perceptron.runs.loggers import create_log_files, log_results, log_scalars
from perceptron.runs.plain_yaml import YamlSeries
from perceptron.runs.training_end import training_end
from perceptron.terminal.text import visible
from perceptron.training.divergence import divergence_advice
from perceptron.training.hyper_parameters import hyper_parameters
from perceptron.training.result_files import write_results
from perceptron.training.threads import set_threads

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A job whose model is trained, to be written down.

    Attributes:
        candidate: the job.
        member: its model, trained.
        number: of the member in its population.
        population: that it was trained in.
        device: that it was trained on.
        started: when its population was begun.
        seconds: that its population took.
        make: makes objects of settings, for all of its population.
        texts: write the configurations of its population.
    """

    candidate: Candidate
    member: Member
    number: int
    population: Population
    device: str
    started: datetime
    seconds: float
    make: Make
    texts: YamlSeries

    def write(self) -> float | None:
        """Write the run folder as the job alone would have.

        Returns:
            The best value of the monitored metric.

        Raises:
            UsageError: where the member has failed, after what it left until then is written.
        """
        config = self.candidate.config
        folder = Path(config["paths"]["output_dir"])
        with folder_lock(folder), explained_failures(folder, settings=divergence_advice(config)):
            return self._written(config, folder)

    def _written(self, config: Mapping[str, Any], folder: Path) -> float | None:
        member, chosen = self.member, self.candidate.chosen
        write_text(folder / "config.yaml", self.texts.text(config), sync_folder=False)
        extra: dict[str, Any] = {}
        own = StoredMetadata(config=config, schema=member.datamodule.schema)
        own.add_to(extra)
        cohort, number = self.population.place(self.number)
        for snapshots in (*cohort.snapshots, cohort.last):
            snapshots.write(number, type(cohort.optimizer), extra)
        loggers = build_loggers(config["logger"], self.make)
        for epoch in member.history:
            logged = [{**metrics, "epoch": epoch.number} for metrics in (epoch.val, epoch.train) if metrics]
            for logger in loggers:
                log_scalars(logger, *logged, step=epoch.step)
        if member.failure is not None:
            for logger in loggers:
                create_log_files(logger)
                logger.finalize("failed")
            raise member.failure
        metrics = member.metrics if config["test"] else {}
        tested = {name: value for name, value in metrics.items() if name.startswith("test/")}
        for logger in loggers if tested else []:
            log_scalars(logger, {**tested, "epoch": len(member.history)}, step=member.steps)
        monitor = config["monitor"]
        best = best_entry(folder, config, metrics=metrics, rule=member.rule, last=member.last_value(monitor))
        log_results(loggers, hyper_parameters=hyper_parameters(config, chosen), metrics=metrics, step=member.steps)
        write_results(
            folder,
            metrics=metrics,
            config=config,
            chosen=chosen,
            directions=directions(config, metrics),
            best=best,
            end=self._ending(),
            device=self.device,
            started=self.started,
            seconds=self.seconds,
        )
        return monitored_value(best, metrics=metrics, monitor=monitor)

    def _ending(self) -> dict[str, Any]:
        member = self.member
        cohort, number = self.population.place(self.number)
        stopping = member.early_stopping
        return training_end(
            epochs=len(member.history),
            max_epochs=self.candidate.config["trainer"]["max_epochs"],
            stopped_early=stopping is not None and stopping.stopped_epoch > 0,
            kept_epoch=cohort.snapshots[0].epoch(number) if cohort.snapshots else None,
        )


def train_together(
    candidates: Sequence[Candidate], *callbacks: L.Callback, forked: bool = False
) -> dict[int, Trained | None]:
    """Train jobs of a group in one fit.

    Args:
        candidates: jobs of one group.
        callbacks: of the fit.
        forked: whether to compute with one thread, as a forked process must.

    Returns:
        By number of the job; None for one that is to be run as usual: its member cannot be made, or the fit fails.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    alone: dict[int, Trained | None] = dict.fromkeys(candidate.number for candidate in candidates)
    made = _members(candidates)
    if not made:
        return alone
    members = [member for _, member in made]
    config = made[0][0].config
    trainer = config["trainer"]
    rows = members[0].datamodule.batch_size or len(members[0].split.train)
    networks = torch.nn.ModuleList(member.model.network for member in members)
    set_threads(1 if forked else trainer["num_threads"], networks, rows_per_step=rows)
    try:
        population, device = fit_population(
            members,
            *callbacks,
            accelerator=trainer["accelerator"],
            max_epochs=trainer["max_epochs"],
            folder=Path(config["paths"]["output_dir"]).parent,
        )
    # Whatever it is, each job alone tells it, or gets by without.
    except Exception as error:
        log.warning("jobs %s run alone: %s", in_words(candidates), visible(error))
        log.debug("failed", exc_info=error)
        return alone
    seconds, make, texts = time.perf_counter() - clock, Again(), YamlSeries()
    return alone | {
        candidate.number: Trained(candidate, member, number, population, device, started, seconds, make, texts)
        for number, (candidate, member) in enumerate(made)
    }


def _members(candidates: Sequence[Candidate]) -> list[tuple[Candidate, Member]]:
    """Members of those that can be trained beside others; why not is said of the rest."""
    made = []
    for candidate in candidates:
        try:
            made.append((candidate, candidate.build()))
        except (CannotStackError, UsageError) as error:
            tell_alone(candidate.number, error)
    return made
