"""Evaluating a restored model."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import lightning as L
from omegaconf import DictConfig

from perceptron.composition.building.own_parts import is_own_data, is_own_model
from perceptron.composition.building.trainer import build_trainer
from perceptron.composition.learner import build_learner
from perceptron.composition.settings.plain import plain
from perceptron.composition.stored.ensembling import check_held_out
from perceptron.composition.stored.restore import Restored, Stored, read_stored, restore_data, restored
from perceptron.data import TableDataModule, offline
from perceptron.errors import UsageError
from perceptron.runs.folder import Run
from perceptron.tasks import SplitName
from perceptron.training.changed_data import changed_rows
from perceptron.training.evaluate import evaluate
from perceptron.training.lightning_messages import silence_lightning
from perceptron.training.start import Start
from perceptron.training.threads import set_threads

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What an evaluation has found, and of which weights.

    Attributes:
        metrics: values by name.
        checkpoint: path of the weights.
        step: number of optimizer steps that led to them.
    """

    metrics: dict[str, float]
    checkpoint: Path
    step: int


def evaluate_run(
    source: str | Path,
    *,
    splits: Sequence[SplitName],
    checkpoint: str = "best",
    overrides: Sequence[str] = (),
    trust: Collection[str] = (),
) -> Evaluation:
    """Evaluate the model of a run, which may be a user's.

    Args:
        source: a run's folder, or a checkpoint.
        splits: splits without rows are left out.
        checkpoint: see ``restore``, as are the others.
        overrides: settings that replace the stored ones.
        trust: names of classes that the user adds to the allow-list.

    Raises:
        UsageError: if it cannot be restored, or none of the splits has rows.
    """
    stored = read_stored(source, checkpoint=checkpoint, overrides=overrides, trust=trust)
    is_own = is_own_model(stored.config.model) or is_own_data(stored.config.data)
    metrics = _evaluate_own(stored, splits) if is_own else evaluate_restored(restored(stored), splits=splits)
    return Evaluation(metrics=metrics, checkpoint=stored.path, step=stored.step)


def _evaluate_own(stored: Stored, splits: Sequence[SplitName]) -> dict[str, float]:
    """What a user's model, or a model on a user's data, logs of validation and test rows."""
    silence_lightning()
    config = stored.config
    L.seed_everything(config.seed, workers=True, verbose=False)
    start = Start(str(stored.path), stored.contents)
    with offline(not stored.downloads):
        learner = build_learner(config, start, chosen={}, typed=(), looks=False)
        learner.prepare(start, plain(config) | {"train": False})
        set_threads(config.trainer.num_threads, learner.model, rows_per_step=learner.rows_per_step)
        metrics = learner.evaluate(build_trainer(learner.with_flags(_silent(config)), []), splits=splits)
    if not metrics:
        raise UsageError(
            f"split must be rows that the model evaluates, got nothing logged for {', '.join(splits)}; choose val or "
            "test, and add the module's validation_step or test_step"
        )
    return metrics


def evaluate_restored(run: Restored, *, splits: Sequence[SplitName]) -> dict[str, float]:
    """Loss and metrics on splits of the run's data, bit-identical to those that training reported.

    Args:
        run: its configuration may name other data than the run's.
        splits: splits without rows are left out.

    Raises:
        UsageError: if none of them has rows, or an ensemble's members were trained on different rows of the table.
    """
    check_held_out(run)
    silence_lightning()
    datamodule = restore_data(run)
    _warn_of_changes(run, datamodule)
    metrics = evaluate_on(run, datamodule, splits=splits)
    if not metrics:
        raise UsageError(
            f"split must have rows, got none in {', '.join(splits)}; "
            f"choose split=train, or set data.{splits[-1]}_fraction"
        )
    return metrics


def evaluate_on(run: Restored, datamodule: TableDataModule, *, splits: Sequence[SplitName]) -> dict[str, float]:
    """Loss and metrics on splits of data; those without rows are left out."""
    # As many threads as in training: their number determines the order of sums.
    set_threads(run.config.trainer.num_threads, run.model, rows_per_step=datamodule.rows_per_step)
    return evaluate(build_trainer(_silent(run.config), []), run.model, datamodule, splits=splits)


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
