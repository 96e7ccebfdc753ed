"""Train the model of a configuration: a network by Lightning, an estimator by scikit-learn."""

from collections.abc import Callable, Mapping

from omegaconf import DictConfig

from perceptron.composition.settings.known_targets import ESTIMATOR
from perceptron.garbage_collection import heavy_imports
from perceptron.terminal.signals import raise_if_lost
from perceptron.terminal.status import show


def run_once(cfg: DictConfig, chosen: Mapping[str, str], *, quiet: bool = False) -> float | None:
    """Train and evaluate what the configuration names.

    Args:
        cfg: a checked configuration.
        chosen: option of each of Hydra's groups.
        quiet: whether to leave the terminal to others.

    Returns:
        The best value of ``cfg.monitor``; None where nothing was trained.
    """
    is_estimator = cfg.model._target_ == ESTIMATOR
    show("loading scikit-learn" if is_estimator else "loading torch and lightning")
    with heavy_imports():
        from perceptron.runs.trackers import finished_trackers

        work: Callable[..., float | None]
        if is_estimator:
            from perceptron.composition.fit_estimator import fit_estimator

            work = fit_estimator
        else:
            from perceptron.composition.train import train

            work = train
    raise_if_lost()
    with finished_trackers():
        return work(cfg, chosen, quiet=quiet)
