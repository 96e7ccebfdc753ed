"""Evaluating a restored model."""

import logging
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from perceptron.composition.building.trainer import build_trainer
from perceptron.composition.settings.plain import plain
from perceptron.composition.stored.ensembling import check_held_out
from perceptron.composition.stored.restore import Restored, restore_data
from perceptron.data import TableDataModule
from perceptron.errors import UsageError
from perceptron.runs.folder import Run
from perceptron.tasks import SplitName
from perceptron.training.changed_data import changed_rows
from perceptron.training.evaluate import evaluate
from perceptron.training.lightning_messages import silence_lightning
from perceptron.training.threads import set_threads

log = logging.getLogger(__name__)


def evaluate_restored(restored: Restored, *, splits: Sequence[SplitName]) -> dict[str, float]:
    """Loss and metrics on splits of the run's data, bit-identical to those that training reported.

    Args:
        restored: its configuration may name other data than the run's.
        splits: splits without rows are left out.

    Raises:
        UsageError: if none of them has rows, or an ensemble's members were trained on different rows of the table.
    """
    check_held_out(restored)
    silence_lightning()
    config = restored.config
    datamodule = restore_data(restored)
    _warn_of_changes(restored, datamodule)
    # As many threads as in training: their number determines the order of sums.
    set_threads(
        config.trainer.num_threads,
        restored.model,
        rows_per_step=datamodule.rows_per_step,
    )
    metrics = evaluate(build_trainer(_silent(config), []), restored.model, datamodule, splits=splits)
    if not metrics:
        raise UsageError(
            f"split must have rows, got none in {', '.join(splits)}; "
            f"choose split=train, or set data.{splits[-1]}_fraction"
        )
    return metrics


def _warn_of_changes(restored: Restored, datamodule: TableDataModule) -> None:
    """Warn if the run's table has changed since training, unless an override names other data."""
    run = Run(Path(restored.config.paths.output_dir))
    if not (run.folder / "config.yaml").is_file() or run.config.get("data") != plain(restored.config)["data"]:
        return
    if changed := changed_rows(run, datamodule):
        log.warning(
            "the data has changed since training: it has %s; training rows may be among the validation and test rows",
            changed,
        )


def _silent(config: DictConfig) -> DictConfig:
    """The configuration without anything that writes files."""
    silent = config.copy()
    silent.trainer.enable_checkpointing = False
    silent.trainer.enable_progress_bar = False
    silent.trainer.barebones = False
    silent.trainer.profiler = None
    return silent
