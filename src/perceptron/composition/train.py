"""Train a network: seed, data, model, trainer, fit, test, report."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
from omegaconf import DictConfig

from perceptron.callbacks import History
from perceptron.callbacks.compiling import compile_callbacks
from perceptron.callbacks.monitored_metrics import MonitoredMetrics
from perceptron.composition.building.data import build_data
from perceptron.composition.building.metrics import check_metric_classes
from perceptron.composition.building.model import build_model
from perceptron.composition.building.network import fit_network
from perceptron.composition.building.optimizer import build_optimizer, build_schedule
from perceptron.composition.building.trainer import build_trainer
from perceptron.composition.continued import check_continued
from perceptron.composition.settings.data_paths import with_absolute_paths
from perceptron.composition.settings.monitors import check_logged, directions
from perceptron.composition.settings.plain import plain
from perceptron.data import TableDataModule
from perceptron.files.writing import remove_temporary_files
from perceptron.models import TaskModule
from perceptron.runs.checkpoints.best_checkpoint import best_entry
from perceptron.runs.checkpoints.checkpoint_file import load_weights
from perceptron.runs.checkpoints.exact_resume import ExactResume
from perceptron.runs.checkpoints.metadata import StoredMetadata
from perceptron.runs.checkpoints.save_on_signal import SaveOnSignal
from perceptron.runs.failures import explained_failures
from perceptron.runs.folder import Run, monitored_value
from perceptron.runs.folder_lock import folder_lock
from perceptron.runs.loggers import log_results
from perceptron.runs.results_table import print_results
from perceptron.terminal.status import show
from perceptron.training.batch_limits import check_batches
from perceptron.training.changed_data import check_unchanged
from perceptron.training.divergence import divergence_advice
from perceptron.training.evaluate import evaluate
from perceptron.training.fit import fit
from perceptron.training.hyper_parameters import hyper_parameters
from perceptron.training.lightning_messages import silence_lightning
from perceptron.training.precision import to_stored_precision
from perceptron.training.reported_weights import ReportedWeights, take_reported_weights
from perceptron.training.result_files import begin_run, log_table_defaults, report_lines, write_results
from perceptron.training.run_figures import draw_figures, figure_callbacks
from perceptron.training.start import Start, starting_point
from perceptron.training.threads import set_threads
from perceptron.training.threshold_choice import check_threshold, choose_threshold

# Epochs and steps of a schedule that is made to check its settings.
_TRIAL_LENGTH = 100


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
        explained_failures(folder, settings=divergence_advice(cfg)),
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
    show("reading the data")
    datamodule = build_data(cfg.data, None if start is None else start.schema, looks=not goes_on)
    if goes_on:
        check_unchanged(Run(folder), datamodule)
    show("building the model")
    model = build_model(cfg, datamodule, chosen=chosen)
    if cfg.train and start is None:
        fit_network(model, datamodule)
    to_stored_precision(model, cfg.trainer.precision)
    if cfg.train:
        _prepare(model, datamodule, start, config)
    set_threads(cfg.trainer.num_threads, model, rows_per_step=datamodule.rows_per_step)

    history, check_monitored = History(takes_snapshots=cfg.figures != "none"), partial(check_logged, config)
    own_callbacks = [
        StoredMetadata(config=config, schema=datamodule.schema),
        ExactResume(),
        MonitoredMetrics(check_monitored),
        interruption,
        history,
        *figure_callbacks(cfg.figures),
        *compile_callbacks(cfg.compile, accelerator=cfg.trainer.accelerator),
    ]
    trainer = build_trainer(cfg, own_callbacks, quiet=quiet)
    if trainer.is_global_zero:
        begin_run(folder, config, datamodule)
        log_table_defaults(config, chosen)

    reported = ReportedWeights()
    if cfg.train:
        fit(trainer, model, datamodule, start, check_logged=check_monitored)
        reported = take_reported_weights(trainer, model, cfg.monitor)
        choose_threshold(model, datamodule, checkpoint=reported.path if trainer.is_global_zero else None, quiet=quiet)
    elif start is not None:
        load_weights(model, start.path)
    show("evaluating")
    metrics = evaluate(trainer, model, datamodule) if cfg.test else {}
    if cfg.test:
        # What callbacks logged in the reported epoch is not computed again.
        metrics |= {name: value for name, value in reported.logged.items() if name not in metrics}
    best = best_entry(folder, config, metrics=metrics, rule=reported.rule, last=reported.last)

    if trainer.is_global_zero:
        if cfg.figures != "none":
            show("drawing the figures")
            draw_figures(config, trainer, model, datamodule, history=history, best_epoch=reported.epoch)
        settings = hyper_parameters(config, chosen)
        log_results(trainer.loggers, hyper_parameters=settings, metrics=metrics, step=trainer.global_step)
        write_results(
            folder,
            metrics=metrics,
            config=config,
            chosen=chosen,
            directions=directions(config, metrics),
            best=best,
            end=reported.ending,
            history=history.curves,
            device=str(trainer.strategy.root_device),
            started=started,
            seconds=time.perf_counter() - clock,
        )
        title = f"{chosen.get('model', 'model')} on {chosen.get('data', 'data')}, {trainer.current_epoch} epochs"
        if not quiet:
            print_results(metrics, title=title, folder=folder, notes=report_lines(datamodule, reported.ending))
    return monitored_value(best, metrics=metrics, monitor=cfg.monitor)


def _prepare(model: TaskModule, datamodule: TableDataModule, start: Start | None, config: Mapping[str, Any]) -> None:
    """Load the weights that training starts from, and check all that can be checked before anything is written.

    Lightning makes the optimizer and its schedule, and loads the checkpoint, once more and later.
    """
    optimizer = build_optimizer(model, config["optimizer"])
    schedule = build_schedule(
        model, optimizer, config["scheduler"], max_epochs=_TRIAL_LENGTH, total_steps=_TRIAL_LENGTH
    )
    if start is not None:
        start.load(model)
        start.check_states(optimizer, schedule)
    check_threshold(model, datamodule)
    check_batches(config["trainer"], datamodule)
