"""The spine: one run from its configuration to its report."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig

from perceptron.callbacks import History, NoProfiler, take_several_steps
from perceptron.composition.callbacks import MonitoredMetrics
from perceptron.composition.compiling import compile_callbacks
from perceptron.composition.data import build_data, changed_rows
from perceptron.composition.divergence import likely_steep
from perceptron.composition.figures import draw_figures, figure_callbacks
from perceptron.composition.hyper_parameters import hyper_parameters
from perceptron.composition.kept import Kept, ending_of, kept_weights
from perceptron.composition.logs import tame_lightning
from perceptron.composition.metrics import check_metric_classes
from perceptron.composition.model import build_model
from perceptron.composition.network import fit_network
from perceptron.composition.optimizer import build_optimizer, build_schedule
from perceptron.composition.precision import to_stored_precision
from perceptron.composition.results import log_table_defaults, log_task, notes, write_data_report, write_results
from perceptron.composition.settings.monitors import check_logged
from perceptron.composition.settings.paths import with_absolute_paths
from perceptron.composition.settings.plain import plain
from perceptron.composition.start import Start, starting_point
from perceptron.composition.threads import set_threads
from perceptron.composition.threshold import check_threshold, choose_threshold, chooses
from perceptron.composition.trainer import build_trainer, check_batches
from perceptron.data import TableDataModule
from perceptron.errors import UsageError, reason
from perceptron.files.writing import remove_temporary_files, write_text
from perceptron.models import TaskModule
from perceptron.runs.checkpoints.best_checkpoint import best_entry
from perceptron.runs.checkpoints.checkpoint_file import load_weights
from perceptron.runs.checkpoints.exact_resume import ExactResume
from perceptron.runs.checkpoints.metadata import StoredMetadata
from perceptron.runs.checkpoints.save_on_signal import SaveOnSignal
from perceptron.runs.failures import explained_failures
from perceptron.runs.folder import Run, monitored_value
from perceptron.runs.folder_lock import folder_lock
from perceptron.runs.loggers import log_results, reopen_logs
from perceptron.runs.plain_yaml import as_yaml
from perceptron.runs.results_table import print_results
from perceptron.tasks import SplitName

# Epochs and steps of a schedule that is made to see whether it can be.
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
        explained_failures(folder, settings=likely_steep(cfg)),
        SaveOnSignal(folder) as interruption,
    ):
        if goes_on:
            remove_temporary_files(folder)
        return _train(cfg, chosen, interruption, quiet=quiet, goes_on=goes_on)


def _train(
    cfg: DictConfig, chosen: Mapping[str, str], interruption: SaveOnSignal, *, quiet: bool, goes_on: bool
) -> float | None:
    started, clock = datetime.now(UTC), time.perf_counter()
    tame_lightning()
    folder = Path(cfg.paths.output_dir)
    config = with_absolute_paths(plain(cfg))
    check_metric_classes(config)
    start = starting_point(config)

    L.seed_everything(cfg.seed, workers=True, verbose=False)
    datamodule = build_data(cfg.data, None if start is None else start.schema, looks=not goes_on)
    if goes_on and start is not None and (changed := changed_rows(Run(folder), datamodule)):
        raise UsageError(
            f"a run goes on with the rows that it was trained on, got {changed}: training rows would become test rows; "
            "restore the data, or start a new run"
        )
    model = build_model(cfg, datamodule, chosen=chosen)
    if cfg.train and start is None:
        fit_network(model, datamodule)
    to_stored_precision(model, cfg.trainer.precision)
    if cfg.train:
        _prepare(model, datamodule, start, cfg=cfg, config=config)
    set_threads(cfg.trainer.num_threads, model, rows_per_step=cfg.data.batch_size or len(datamodule.split.train))
    history = History()
    own_callbacks = [
        StoredMetadata(config=config, schema=datamodule.schema),
        ExactResume(),
        MonitoredMetrics(config),
        interruption,
        *figure_callbacks(cfg.figures, history),
        *compile_callbacks(cfg.compile, accelerator=cfg.trainer.accelerator),
    ]
    trainer = build_trainer(cfg, own_callbacks, quiet=quiet)
    if trainer.is_global_zero:
        # No result stands for a run that is under way again.
        (folder / "metrics.json").unlink(missing_ok=True)
        write_text(folder / "config.yaml", as_yaml(config))
        log_task(datamodule)
        if datamodule.report is not None:
            write_data_report(folder, datamodule.report)
        log_table_defaults(config, chosen)

    kept, end = Kept(), None
    if cfg.train:
        _fit(trainer, model, datamodule, start, config=config)
        kept = kept_weights(trainer, model, cfg.monitor)
        end = ending_of(trainer, kept)
        choose_threshold(model, datamodule, checkpoint=kept.path if trainer.is_global_zero else None, quiet=quiet)
    elif start is not None:
        load_weights(model, start.path)
    metrics = evaluate(trainer, model, datamodule) if cfg.test else {}
    if cfg.test:
        # What callbacks have logged is not computed again.
        metrics |= {name: value for name, value in kept.logged.items() if name not in metrics}
    best = best_entry(folder, config, metrics=metrics, rule=kept.rule, last=kept.last)

    if trainer.is_global_zero:
        if cfg.figures != "none":
            draw_figures(cfg, trainer, model, datamodule, history=history, best_epoch=kept.epoch)
        log_results(
            trainer.loggers,
            hyper_parameters=hyper_parameters(config, chosen),
            metrics=metrics,
            step=trainer.global_step,
        )
        write_results(
            folder,
            metrics=metrics,
            config=config,
            chosen=chosen,
            best=best,
            end=end,
            device=str(trainer.strategy.root_device),
            started=started,
            seconds=time.perf_counter() - clock,
        )
        title = f"{chosen.get('model', 'model')} on {chosen.get('data', 'data')}, {trainer.current_epoch} epochs"
        if not quiet:
            print_results(metrics, title=title, folder=folder, notes=notes(datamodule, end))
    return monitored_value(best, metrics=metrics, monitor=cfg.monitor)


def _prepare(
    model: TaskModule, datamodule: TableDataModule, start: Start | None, *, cfg: DictConfig, config: Mapping[str, Any]
) -> None:
    """Have the weights that training starts from, and say what is wrong while nothing of the run is written.

    Lightning makes optimizer and schedule, and loads the checkpoint, once more and later.
    """
    optimizer = build_optimizer(model, config["optimizer"])
    schedule = build_schedule(
        model, optimizer, config["scheduler"], max_epochs=_TRIAL_LENGTH, total_steps=_TRIAL_LENGTH
    )
    if start is not None:
        start.load(model)
        start.check_states(optimizer, schedule)
    check_threshold(model, datamodule)
    check_batches(cfg.trainer, datamodule)


def _fit(
    trainer: L.Trainer,
    model: TaskModule,
    datamodule: TableDataModule,
    start: Start | None,
    *,
    config: Mapping[str, Any],
) -> None:
    if trainer.is_global_zero:
        reopen_logs(trainer.loggers, steps=0 if start is None else start.steps)
    try:
        take_several_steps(trainer, model, datamodule, taken=0 if start is None else start.steps_taken)
        trainer.fit(model, datamodule=datamodule, ckpt_path=None if start is None else start.path, weights_only=True)
    except (MisconfigurationException, ValueError, RuntimeError, LookupError) as error:
        if "monitor" in str(error) or "conditioned on metric" in str(error):
            check_logged(config, trainer.callback_metrics)
        # Lightning compares some settings with the number of batches only now, one of them with a ValueError.
        if isinstance(error, MisconfigurationException) or "val_check_interval" in str(error):
            raise UsageError(f"trainer must suit the data: {reason(error)}") from error
        _blame(start, trainer, error)
        raise


def _blame(start: Start | None, trainer: L.Trainer, error: Exception) -> None:
    """Take a failure before the first step behind a checkpoint for the checkpoint's, such as states of another shape.

    Raises:
        UsageError: for such a failure.
    """
    if start is not None and trainer.global_step <= start.checkpoint["global_step"]:
        raise UsageError(
            f"training cannot go on from {start.path}: {reason(error, lines=1)}; name another checkpoint"
        ) from error


def evaluate(
    trainer: L.Trainer,
    model: TaskModule,
    datamodule: TableDataModule,
    *,
    splits: Sequence[SplitName] = ("train", "val", "test"),
) -> dict[str, float]:
    """Loss and metrics of the model on each split that has rows, under names like ``test/acc``.

    Where the threshold was chosen, it stands with the metrics of the rows that it was chosen on. What callbacks log
    of the test rows is there too.
    """
    # As Lightning does in a fit: by it batches are taken from the device, and shared out to processes.
    datamodule.trainer = trainer
    # A profiler is for the training; torch's ends in an error where it sees a single step.
    trainer.profiler = NoProfiler()  # type: ignore[attr-defined]
    metrics: dict[str, float] = {}
    for at_once in (("train", "val"), ("test",)):
        wanted: list[SplitName] = [split for split in splits if split in at_once and len(datamodule.split.rows(split))]
        if wanted:
            metrics |= _evaluated(trainer, model, datamodule, wanted)
        if "val" in wanted and chooses(model):
            metrics["val/threshold"] = model.threshold
    return metrics


def _evaluated(
    trainer: L.Trainer, model: TaskModule, datamodule: TableDataModule, splits: Sequence[SplitName]
) -> dict[str, float]:
    """Metrics of splits. Loggers and callbacks, which would take all rows for test rows, hear of the test alone."""
    loggers, callbacks = trainer.loggers, trainer.callbacks  # type: ignore[attr-defined]
    is_test = "test" in splits
    if not is_test:
        trainer.loggers, trainer.callbacks = [], []  # type: ignore[attr-defined]
    try:
        trainer.test(model, {split: datamodule.eval_dataloader(split) for split in splits}, verbose=False)
    finally:
        trainer.loggers, trainer.callbacks = loggers, callbacks  # type: ignore[attr-defined]
    own = {name: value.item() for split in splits for name, value in model.measured(split).items()}
    of_callbacks = trainer.callback_metrics.items() if is_test else ()
    return own | {name: value.item() for name, value in of_callbacks if name.startswith("test/") and name not in own}
