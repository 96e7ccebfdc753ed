"""Fit an estimator of scikit-learn, with the data, metrics, run folder and report of every other run."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig
from sklearn.base import BaseEstimator

from perceptron.composition.building.data import build_data
from perceptron.composition.building.metrics import check_metric_classes, metric_settings
from perceptron.composition.building.trainer import build_loggers
from perceptron.composition.settings.data_paths import with_absolute_paths
from perceptron.composition.settings.monitors import directions
from perceptron.composition.settings.plain import plain
from perceptron.data import TableDataModule
from perceptron.errors import StoppedError, UsageError, reason
from perceptron.models import Estimator, Standardize
from perceptron.runs.checkpoints.best_checkpoint import best_entry
from perceptron.runs.failures import explained_failures
from perceptron.runs.folder import Run
from perceptron.runs.folder_lock import folder_lock
from perceptron.runs.loggers import log_results
from perceptron.runs.results_table import print_results
from perceptron.tasks import TASKS, SplitName
from perceptron.terminal.status import show
from perceptron.training.divergence import divergence_advice
from perceptron.training.hyper_parameters import hyper_parameters
from perceptron.training.result_files import begin_run, report_lines, row_counts, write_results


def fit_estimator(cfg: DictConfig, chosen: Mapping[str, str], *, quiet: bool = False) -> float | None:
    """Fit an estimator on the training rows, and leave its results in ``cfg.paths.output_dir``.

    The estimator itself is not stored: scikit-learn keeps estimators as pickles, which run code when they are read.

    Args:
        cfg: a checked configuration.
        chosen: option of each of Hydra's groups.
        quiet: whether to leave the terminal to others.

    Returns:
        The value of ``cfg.monitor``.

    Raises:
        UsageError: where estimator and data do not go together.
    """
    folder = Path(cfg.paths.output_dir)
    try:
        with folder_lock(folder), explained_failures(folder, settings=divergence_advice(cfg)):
            return _fit(cfg, chosen, folder, quiet=quiet)
    except StoppedError as error:
        # A fit cannot go on in its middle, so this is no run to go on with.
        if not Run(folder).is_finished:
            for name in ("config.yaml", "data_report.json", "provenance.json"):
                (folder / name).unlink(missing_ok=True)
            error.advice = None
        raise


def _fit(cfg: DictConfig, chosen: Mapping[str, str], folder: Path, *, quiet: bool) -> float | None:
    started, clock = datetime.now(UTC), time.perf_counter()
    config = with_absolute_paths(plain(cfg))

    check_metric_classes(config)
    show("reading the data")
    datamodule = build_data(cfg.data)
    model = build_estimator(cfg, datamodule)
    begin_run(folder, config, datamodule)
    show("fitting the estimator")
    try:
        model.fit(*datamodule.rows("train"))
    except (ValueError, TypeError) as error:
        said = reason(error, lines=1)
        raise UsageError(
            f"model.estimator must be one that can be fitted here, got: {said}; change model.estimator"
        ) from error
    metrics = evaluate(model, datamodule)
    best_value = metrics.get(cfg.monitor)

    log_results(build_loggers(cfg.logger), hyper_parameters=hyper_parameters(config, chosen), metrics=metrics, step=0)
    write_results(
        folder,
        metrics=metrics,
        config=config,
        chosen=chosen,
        directions=directions(config, metrics),
        best=best_entry(folder, config, metrics=metrics, last=best_value),
        device="cpu",
        started=started,
        seconds=time.perf_counter() - clock,
        rows=row_counts(datamodule),
    )
    title = f"{chosen.get('model', 'model')} on {chosen.get('data', 'data')}"
    print_results(metrics, title=title, folder=folder, notes=report_lines(datamodule), quiet=quiet)
    return best_value


def build_estimator(cfg: DictConfig, datamodule: TableDataModule) -> Estimator:
    """Estimator of the group ``model``, with the standardisation that was fitted on training rows.

    Raises:
        UsageError: where it cannot be made, is no estimator, or does not suit the data.
    """
    name = cfg.model.estimator._target_
    try:
        estimator: Any = instantiate(cfg.model.estimator, _convert_="all")
    except InstantiationException as error:
        said = reason(error.__cause__ or error, lines=1)
        raise UsageError(
            f"model.estimator must be what can be made, got {name}: {said}; change model.estimator"
        ) from error
    if not isinstance(estimator, BaseEstimator):
        raise UsageError(
            f"model.estimator._target_ must be an estimator of scikit-learn, got {name}; "
            "name a class such as sklearn.neighbors.KNeighborsClassifier"
        )
    features, target = datamodule.features_scaling, datamodule.target_scaling
    task = TASKS[datamodule.schema.task]
    return Estimator(
        estimator=estimator,
        task=task,
        n_classes=len(datamodule.schema.class_names),
        standardize=Standardize(features.mean, features.scale),
        standardize_target=None if target is None else Standardize(target.mean, target.scale),
        seed=cfg.seed,
        **metric_settings(cfg, task=task, schema=datamodule.schema),
    )


def evaluate(model: Estimator, datamodule: TableDataModule) -> dict[str, float]:
    """Loss and metrics on each split that has rows, under names like ``test/acc``."""
    splits: tuple[SplitName, ...] = ("train", "val", "test")
    return {
        f"{split}/{name}": value
        for split in splits
        if len(datamodule.split.rows(split))
        # Metrics count every row once.
        for name, value in model.metrics(*datamodule.rows(split)[:2]).items()
    }
