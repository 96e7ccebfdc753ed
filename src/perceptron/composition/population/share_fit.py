"""One fit of a share: its members are trained side by side, each job's folder is written, and figures are drawn."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import lightning as L
import torch
from hydra.core.utils import JobReturn

from perceptron.composition.population.groups import run_alone
from perceptron.composition.population.member_figures import Tell, draw_members
from perceptron.composition.population.multirun_jobs import ComposedJob
from perceptron.errors import DivergedError
from perceptron.population import Member, PopulationFit, fit_population
from perceptron.terminal.text import visible
from perceptron.training.threads import set_threads

log = logging.getLogger(__name__)

Write = Callable[[ComposedJob, Member, PopulationFit], JobReturn]


class Outcome(NamedTuple):
    """The outcome of a share.

    Attributes:
        results: by number of the job; None for a job that must run as usual.
        n_failed: how many of the members diverged.
        is_started: whether it was trained at all.
        warnings: about the data of the members, by number of the job.
    """

    results: dict[int, JobReturn | None]
    n_failed: int = 0
    is_started: bool = True
    warnings: Mapping[int, Sequence[str]] = MappingProxyType({})


def train_and_write(
    pairs: Sequence[tuple[ComposedJob, Member]],
    write: Write,
    *callbacks: L.Callback,
    tell: Tell = lambda *_: None,
    forked: bool = False,
) -> Outcome:
    """Train members in one fit, write the folders of their jobs, and draw the figures that these ask for.

    Args:
        pairs: jobs of one group with their members; none for an empty outcome.
        write: writes the folder of a trained job.
        callbacks: of the fit.
        tell: is told how far the drawing is, see ``draw_members``.
        forked: see ``train_together``.
    """
    fit = train_together(pairs, *callbacks, forked=forked) if pairs else None
    if fit is None:
        return Outcome({job.number: None for job, _ in pairs})
    results: dict[int, JobReturn | None] = {job.number: write(job, member, fit) for job, member in pairs}
    draw_members(pairs, fit, tell)
    n_failed = sum(isinstance(member.failure, DivergedError) for _, member in pairs)
    return Outcome(results, n_failed, warnings={job.number: member.warnings for job, member in pairs})


def train_together(
    pairs: Sequence[tuple[ComposedJob, Member]], *callbacks: L.Callback, forked: bool = False
) -> PopulationFit | None:
    """Train members in one fit.

    Args:
        pairs: jobs of one group with their members.
        callbacks: of the fit.
        forked: whether to compute with one thread, as a forked process must, and one that has one core.

    Returns:
        The fit; None, with a line in the log, if it failed and the jobs must run alone.
    """
    members = [member for _, member in pairs]
    config = pairs[0][0].config
    trainer = config["trainer"]
    rows = members[0].datamodule.batch_size or len(members[0].split.train)
    networks = torch.nn.ModuleList(member.model.network for member in members)
    set_threads(1 if forked else trainer["num_threads"], networks, rows_per_step=rows)
    try:
        return fit_population(
            members,
            *callbacks,
            accelerator=trainer["accelerator"],
            max_epochs=trainer["max_epochs"],
            folder=Path(config["paths"]["output_dir"]).parent,
        )
    # Whatever it is, each job alone reports it, or succeeds.
    except Exception as error:
        log.warning("%s: %s", run_alone([job.number for job, _ in pairs]), visible(error))
        log.debug("failed", exc_info=error)
        return None
