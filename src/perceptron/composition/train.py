"""Train a network: seed, data, model, trainer, fit, test, report."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import lightning as L
from omegaconf import DictConfig

from perceptron.callbacks import History
from perceptron.callbacks.monitored_metrics import MonitoredMetrics
from perceptron.composition.building.metrics import check_metric_classes
from perceptron.composition.building.own_parts import is_own_model
from perceptron.composition.building.trainer import build_trainer
from perceptron.composition.continued import check_continued
from perceptron.composition.learner import build_learner
from perceptron.composition.settings.data_paths import with_absolute_paths
from perceptron.composition.settings.job_settings import typed_settings
from perceptron.composition.settings.monitors import check_logged, directions
from perceptron.composition.settings.plain import plain
from perceptron.files.writing import remove_temporary_files
from perceptron.runs.checkpoints.best_checkpoint import best_entry
from perceptron.runs.checkpoints.exact_resume import ExactResume
from perceptron.runs.checkpoints.metadata import StoredMetadata
from perceptron.runs.checkpoints.save_on_signal import SaveOnSignal
from perceptron.runs.failures import explained_failures
from perceptron.runs.folder import Run, monitored_value
from perceptron.runs.folder_lock import folder_lock
from perceptron.runs.loggers import log_results
from perceptron.runs.results_table import print_results, run_title
from perceptron.terminal.status import show
from perceptron.training.divergence import divergence_advice
from perceptron.training.fit import fit
from perceptron.training.hyper_parameters import hyper_parameters
from perceptron.training.lightning_messages import silence_lightning
from perceptron.training.reported_weights import ReportedWeights
from perceptron.training.result_files import row_counts, write_results
from perceptron.training.start import starting_point
from perceptron.training.threads import set_threads


def train(cfg: DictConfig, chosen: Mapping[str, str], *, quiet: bool = False, goes_on: bool = False) -> float | None:
    """Train, evaluate the best checkpoint, and leave the results in ``cfg.paths.output_dir``.

    Args:
        cfg: a checked configuration.
        chosen: option of each of Hydra's groups, such as ``{"model": "logistic"}``.
        quiet: whether to leave the terminal to others.
        goes_on: whether the folder is that of the run that goes on, and not a new one.

    Returns:
        The best value of ``cfg.monitor``, for a sweeper; None where nothing was trained.

    Raises:
        UsageError: where model, data and machine do not go together, the loss diverges or the disk is full.
        InterruptedRunError: after a signal, the state saved.
    """
    folder = Path(cfg.paths.output_dir)
    with (
        folder_lock(folder),
        explained_failures(folder, settings=divergence_advice(cfg, own_model=is_own_model(cfg.model))),
        SaveOnSignal(folder) as interruption,
    ):
        if goes_on:
            remove_temporary_files(folder)
        return _train(cfg, chosen, interruption, quiet=quiet, goes_on=goes_on)


def _train(
    cfg: DictConfig, chosen: Mapping[str, str], interruption: SaveOnSignal, *, quiet: bool, goes_on: bool
) -> float | None:
    started, clock = datetime.now(UTC), time.perf_counter()
    silence_lightning()
    folder, config = Path(cfg.paths.output_dir), with_absolute_paths(plain(cfg))
    check_metric_classes(config)
    start = starting_point(config)
    if cfg.train and start is not None:
        check_continued(config, start.checkpoint, where=start.path)

    L.seed_everything(cfg.seed, workers=True, verbose=False)
    typed = typed_settings()
    learner = build_learner(cfg, start, chosen=chosen, typed=typed, looks=not goes_on)
    if goes_on:
        learner.check_unchanged(Run(folder))
    learner.prepare(start, config)
    set_threads(cfg.trainer.num_threads, learner.model, rows_per_step=learner.rows_per_step)

    history, check_monitored = History(takes_snapshots=cfg.figures != "none"), partial(check_logged, config)
    own_callbacks = [
        StoredMetadata(config=config, schema=learner.schema),
        ExactResume(),
        MonitoredMetrics(check_monitored),
        interruption,
        *learner.callbacks(config, history, start, quiet=quiet),
    ]
    trainer = build_trainer(learner.with_flags(cfg, typed), own_callbacks, quiet=quiet)
    if trainer.is_global_zero:
        learner.begin(folder, config, chosen)

    reported = ReportedWeights()
    if cfg.train:
        fit(trainer, learner.model, learner.datamodule, start, check_logged=check_monitored)
        reported = learner.take_reported_weights(trainer, cfg.monitor)
        learner.choose_threshold(checkpoint=reported.path if trainer.is_global_zero else None, quiet=quiet)
    show("evaluating")
    metrics = learner.evaluate(trainer, logged=reported.logged) if cfg.test else {}
    best = best_entry(folder, config, metrics=metrics, rule=reported.rule, last=reported.last)

    if trainer.is_global_zero:
        learner.draw_figures(config, trainer, history=history, best_epoch=reported.epoch)
        named = learner.names(config, chosen)
        settings = hyper_parameters(config, named)
        log_results(trainer.loggers, hyper_parameters=settings, metrics=metrics, step=trainer.global_step, best=best)
        write_results(
            folder,
            metrics=metrics,
            config=config,
            chosen=named,
            directions=directions(config, metrics),
            best=best,
            end=reported.ending,
            history=history.curves,
            device=str(trainer.strategy.root_device),
            started=started,
            seconds=time.perf_counter() - clock,
            rows=row_counts(learner.table),
        )
        title, notes = run_title(named, epochs=trainer.current_epoch), learner.report_lines(reported.ending)
        print_results(metrics, title=title, folder=folder, notes=notes, quiet=quiet)
    return monitored_value(best, metrics=metrics, monitor=cfg.monitor)
