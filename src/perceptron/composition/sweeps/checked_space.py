"""A search's package, space and number of trials, checked before anything is written. Imports nothing heavy."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from perceptron.composition.settings.checks import check
from perceptron.composition.settings.job_settings import job_settings
from perceptron.composition.settings.sweep_options import is_search, sweep_options
from perceptron.composition.settings.sweep_values import composed_job
from perceptron.composition.sweeps.job_list import Admission
from perceptron.composition.sweeps.search_space import SearchSpace, parse_space
from perceptron.errors import UsageError, missing_extra
from perceptron.sweeps.combination_filter import KEY
from perceptron.terminal.status import show

# Of a space of which a filter leaves one hundredth, as many draws miss all of it once in 20,000 times.
MOST_IN_A_ROW = 1000


def need_optuna() -> None:
    """Import Optuna and have it report nothing but warnings.

    Raises:
        UsageError: if it is not installed.
    """
    if find_spec("optuna") is None:
        raise missing_extra("hydra/sweeper=optuna needs the package optuna", "optuna")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)


def planned_trials(config: DictConfig, loader: ConfigLoader) -> int | None:
    """Number of trials that a search will run at most; None if its sweeper does not say.

    Args:
        config: the multirun's, with ``hydra``.
        loader: Hydra's.

    Raises:
        UsageError: if a setting of the space or of the filter is not valid, or a filter leaves out a whole grid.
    """
    sweeper = config.hydra.sweeper
    if not is_search(config):
        return int(sweeper.n_trials) if "n_trials" in sweeper else None
    settings: Any = OmegaConf.to_container(sweeper, resolve=True)
    size = None
    if is_grid(settings):
        space, admission = space_of(config, loader), admission_of(config, loader)
        size = space.size()
        if size is not None and admission is not None:
            show(f"composing {size} combinations")
            n_admitted = len(admission.admitted(space.points()))
            if n_admitted == 0:
                raise _nothing_left(admission, size)
            size = n_admitted
    return int(min(settings["n_trials"], size or math.inf))


def space_of(config: DictConfig, loader: ConfigLoader) -> SearchSpace:
    """What a search draws from.

    Raises:
        UsageError: if a setting of the space is not valid.
    """
    params: Any = OmegaConf.to_container(config.hydra.sweeper.params, resolve=False)
    typed: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    return parse_space(params or {}, typed, loader)


def admission_of(config: DictConfig, loader: ConfigLoader) -> Admission | None:
    """What decides by the filter of a multirun which combinations are run; None without a filter."""
    condition = sweep_options(config).filter
    return None if condition is None else Admission(condition, config, loader)


def is_grid(settings: Mapping[str, Any]) -> bool:
    """Whether the sampler tries all combinations.

    Args:
        settings: of ``hydra.sweeper``.
    """
    return str(settings["sampler"]["_target_"]).endswith(".BruteForceSampler")


def check_space(
    space: SearchSpace, config: DictConfig, loader: ConfigLoader, admission: Admission | None
) -> dict[str, Any]:
    """Compose and check every choice and both ends of every range; check that a filter names settings, and leaves some.

    Returns:
        The plain values of the first configuration.
    """
    if not space.dimensions:
        raise UsageError("a search must have something to search, got no range; type 'optimizer.lr=interval(0.001, 1)'")
    composed = []
    for overrides in space.samples():
        with job_settings(composed_job(config, overrides, loader), in_multirun=True) as cfg:
            composed.append(check(cfg))
    if admission is not None:
        # They show every choice, and the ends of every range.
        admission.admitted(space.samples())
        _check_leaves_some(space, admission)
    monitors = list(dict.fromkeys(values["monitor"] for values in composed))
    if len(monitors) > 1:
        raise UsageError(
            f"a search compares its trials by one metric, got {', '.join(monitors)}; set monitor to one of them"
        )
    return composed[0]


def leaves_too_little(admission: Admission) -> UsageError:
    """The error for a filter that leaves out one draw after the other."""
    return UsageError(
        f"{KEY} must leave enough to draw from, got {admission.text}, which leaves out {MOST_IN_A_ROW:,} draws in a "
        "row; widen it, or narrow the ranges"
    )


def _nothing_left(admission: Admission, size: int) -> UsageError:
    return UsageError(
        f"{KEY} must leave a trial, got {admission.text}, which leaves out all {size} combinations; widen it"
    )


def _check_leaves_some(space: SearchSpace, admission: Admission) -> None:
    """Draw in memory until the filter admits a trial: in a database, each draw that it leaves out takes 0.1 s.

    Raises:
        UsageError: if it leaves out all combinations, where they are few, or so many draws in a row.
    """
    size = space.size()
    is_small = size is not None and size <= MOST_IN_A_ROW
    points: Iterable[Sequence[str]] = space.points() if is_small else islice(_random_points(space), MOST_IN_A_ROW)
    for number, overrides in enumerate(points):
        show(f"sweep.filter has left out {number} of {number} draws" if number else "looking for a trial to run")
        if admission.admits(overrides):
            return
    raise _nothing_left(admission, size) if size is not None and is_small else leaves_too_little(admission)


def _random_points(space: SearchSpace) -> Iterator[list[str]]:
    """Overrides of trials, drawn uniformly and always the same."""
    import optuna

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    while True:
        yield space.draw(study.ask())
