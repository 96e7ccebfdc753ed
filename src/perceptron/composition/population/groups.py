"""The jobs of a multirun in groups, each trained in one fit; and each job's results written as if it had run alone."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from perceptron.composition.build import build_loggers
from perceptron.composition.hyper_parameters import hyper_parameters
from perceptron.composition.logs import tame_lightning
from perceptron.composition.population.jobs import MemberBuilder, check_hydra, check_settings, group_key
from perceptron.composition.results import best_entry, write_results
from perceptron.composition.settings.checks import check, check_values
from perceptron.composition.sweeps.template import JobTemplate, PlainJob
from perceptron.composition.threads import set_threads
from perceptron.errors import UsageError
from perceptron.population import CannotStackError, Member, Population, fit_population, members_that_fit
from perceptron.population.kin import kin_key
from perceptron.runs.checkpoint import SelfContained
from perceptron.runs.faults import named_faults
from perceptron.runs.files import as_yaml, write_text
from perceptron.runs.folder import Run
from perceptron.runs.lock import only_process
from perceptron.runs.report import log_results, log_scalars

log = logging.getLogger(__name__)

# More at once are not faster on a CPU, and what a killed sweep loses is those that are under way.
_GOOD_ON_A_CPU = 256


@dataclass(frozen=True)
class Candidate:
    """A job that can be trained beside others.

    Attributes:
        number: of the job in the sweep.
        config: plain configuration.
        chosen: option of each of Hydra's groups.
        member: what it makes.
    """

    number: int
    config: Mapping[str, Any]
    chosen: Mapping[str, str]
    member: Member


@dataclass(frozen=True)
class Trained:
    """A job whose model is trained, to be written down.

    Attributes:
        candidate: the job.
        number: of the member in its population.
        population: that it was trained in.
        device: that it was trained on.
        started: when its population was begun.
        seconds: that its population took.
    """

    candidate: Candidate
    number: int
    population: Population
    device: str
    started: datetime
    seconds: float

    def write(self) -> float | None:
        """Write the run folder as the job alone would have.

        Returns:
            The best value of the monitored metric.

        Raises:
            UsageError: where the member has failed, after what it left until then is written.
        """
        config = self.candidate.config
        folder = Path(config["paths"]["output_dir"])
        with only_process(folder), named_faults(folder, settings=f"optimizer.lr={config['optimizer']['lr']}"):
            return self._written(config, folder)

    def _written(self, config: Mapping[str, Any], folder: Path) -> float | None:
        member, chosen = self.candidate.member, self.candidate.chosen
        write_text(folder / "config.yaml", as_yaml(config), sync_folder=False)
        extra: dict[str, Any] = {}
        own = SelfContained(config=config, schema=member.datamodule.schema)
        own.add_to(extra)
        cohort, number = self.population.place(self.number)
        for snapshots in (*cohort.snapshots, cohort.last):
            snapshots.write(number, type(cohort.optimizer), extra)
        loggers = build_loggers(config["logger"])
        for epoch in member.history:
            logged = [{**metrics, "epoch": epoch.number} for metrics in (epoch.val, epoch.train) if metrics]
            for logger in loggers:
                log_scalars(logger, *logged, step=epoch.step)
        if member.failure is not None:
            for logger in loggers:
                logger.finalize("failed")
            raise member.failure
        metrics = member.metrics if config["test"] else {}
        tested = {name: value for name, value in metrics.items() if name.startswith("test/")}
        for logger in loggers if tested else []:
            log_scalars(logger, {**tested, "epoch": len(member.history)}, step=member.steps)
        best_value = member.best_value(config["monitor"])
        log_results(loggers, hyper_parameters=hyper_parameters(config, chosen), metrics=metrics, step=member.steps)
        write_results(
            folder,
            metrics=metrics,
            config=config,
            chosen=chosen,
            best=best_entry(folder, config, member.best_path, best_value),
            device=self.device,
            started=self.started,
            seconds=self.seconds,
        )
        return best_value


def train_groups(
    jobs: Iterable[tuple[DictConfig, PlainJob]], *, max_members: int | None
) -> Iterator[dict[int, Trained | None]]:
    """Train the jobs group by group.

    Args:
        jobs: of a multirun: the typed configuration of each, of use until the next is asked for, and its plain values.
        max_members: trained at once; None for what is good on the device.

    Yields:
        Jobs by number: trained ones to be written, or None for those that must be run as usual.
    """
    tame_lightning()
    threads = torch.get_num_threads()
    groups: dict[str, list[Candidate]] = {}
    alone: list[int] = []
    builder = MemberBuilder()
    checked: set[JobTemplate] = set()
    for cfg, job in jobs:
        try:
            candidate = _candidate(cfg, job, builder, checked)
        except CannotStackError as reason:
            log.info("job #%d runs alone: %s", job.number, reason)
            alone.append(job.number)
        except (UsageError, OmegaConfBaseException) as error:
            log.info("job #%d runs alone, to say what is wrong: %s", job.number, str(error).partition("\n")[0])
            alone.append(job.number)
        else:
            groups.setdefault(group_key(candidate.config), []).append(candidate)
    for number, candidates in enumerate(groups.values(), start=1):
        candidates.sort(key=lambda candidate: repr(kin_key(candidate.member.model)))
        first = candidates[0]
        size = members_that_fit(first.member, first.config["trainer"]["accelerator"], max_members, _GOOD_ON_A_CPU)
        for start in range(0, len(candidates), size):
            part = candidates[start : start + size]
            part_of = f", {size} at once" if len(candidates) > size else ""
            numbers = ", ".join(str(candidate.number) for candidate in part)
            log.info("group %d of %d: %d members%s: jobs %s", number, len(groups), len(candidates), part_of, numbers)
            torch.set_num_threads(threads)
            yield train_group(part)
    torch.set_num_threads(threads)
    if alone:
        yield dict.fromkeys(alone)


def _candidate(cfg: DictConfig, job: PlainJob, builder: MemberBuilder, checked: set[JobTemplate]) -> Candidate:
    run = Run(job.folder)
    if run.is_finished:
        raise CannotStackError("it is finished")
    if run.checkpoint("last").is_file():
        raise CannotStackError("it goes on from where it was left")
    if job.template in checked:
        check_values(cfg)
    else:
        check(cfg)
        checked.add(job.template)
    check_hydra(job.template.hydra_values)
    check_settings(job.config)
    return Candidate(job.number, job.config, job.chosen, builder.build(cfg, job.config, job.chosen))


def train_group(group: Sequence[Candidate]) -> dict[int, Trained | None]:
    """Train a group; where that fails as a whole, its jobs are to be run as usual."""
    started, clock = datetime.now(UTC), time.perf_counter()
    members = [candidate.member for candidate in group]
    config = group[0].config
    trainer = config["trainer"]
    shown = any(part is not None and part["_target_"].endswith("Progress") for part in config["callbacks"].values())
    rows = members[0].datamodule.batch_size or len(members[0].split.train)
    networks = torch.nn.ModuleList(member.model.network for member in members)
    set_threads(trainer["num_threads"], networks, rows_per_step=rows)
    try:
        population, device = fit_population(
            members,
            accelerator=trainer["accelerator"],
            max_epochs=trainer["max_epochs"],
            folder=Path(config["paths"]["output_dir"]).parent,
            progress=shown and trainer["enable_progress_bar"] is not False,
        )
    # Whatever it is, each job alone tells it, or gets by without.
    except Exception as error:
        log.warning("jobs %s run alone: %s", ", ".join(str(candidate.number) for candidate in group), error)
        log.debug("failed", exc_info=error)
        return {candidate.number: None for candidate in group}
    seconds = time.perf_counter() - clock
    ended = sum(member.failure is not None for member in members)
    log.info("%d members trained in %.1f s%s", len(members), seconds, f", {ended} failed" if ended else "")
    return {
        candidate.number: Trained(candidate, number, population, device, started, seconds)
        for number, candidate in enumerate(group)
    }
