"""Loss and metrics of a model on the splits of its data."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import lightning as L
from lightning.pytorch.utilities.model_helpers import is_overridden

from perceptron.callbacks import NoProfiler
from perceptron.data import TableDataModule
from perceptron.models import TaskModule
from perceptron.tasks import SplitName
from perceptron.training.threshold_choice import chooses


def evaluate(
    trainer: L.Trainer,
    model: TaskModule,
    datamodule: TableDataModule,
    *,
    splits: Sequence[SplitName] = ("train", "val", "test"),
) -> dict[str, float]:
    """Loss and metrics of the model on each split that has rows, under names like ``test/acc``.

    A chosen threshold is reported with the metrics of the validation rows, which it was chosen on; what callbacks log
    of the test rows, with those of the test rows.

    Args:
        trainer: its callbacks and loggers take part in the evaluation of the test rows alone.
        model: to be evaluated.
        datamodule: set up.
        splits: to be evaluated.
    """
    loaders = {
        split: datamodule.eval_dataloader(split, trainer) for split in splits if len(datamodule.split.rows(split))
    }
    if not loaders:
        return {}
    # A profiler is for the training; torch's ends in an error where it sees a single step.
    trainer.profiler = NoProfiler()  # type: ignore[attr-defined]
    tested = {split: loader for split, loader in loaders.items() if split == "test"}
    others = {split: loader for split, loader in loaders.items() if split != "test"}
    metrics: dict[str, float] = {}
    if others:
        with _without_callbacks_and_loggers(trainer):
            trainer.test(model, others, verbose=False)
        # Before the next evaluation, which casts computed values to trainer.precision=bf16-true.
        metrics |= _measured(model, others)
    if tested:
        trainer.test(model, tested, verbose=False)
        metrics |= _measured(model, tested)
    if "test" in loaders:
        logged = trainer.callback_metrics.items()
        metrics |= {n: value.item() for n, value in logged if n.startswith("test/") and n not in metrics}
    return metrics


def evaluate_as_logged(
    trainer: L.Trainer,
    model: L.LightningModule,
    datamodule: L.LightningDataModule,
    *,
    splits: Sequence[SplitName] = ("val", "test"),
) -> dict[str, float]:
    """What a model logs of the validation and the test rows, under its own names; nothing of rows that it does not log.

    Args:
        trainer: its callbacks and loggers take part.
        model: to be evaluated.
        datamodule: its data.
        splits: to be evaluated; the training rows have no evaluation of their own.
    """
    trainer.profiler = NoProfiler()  # type: ignore[attr-defined]
    metrics: dict[str, float] = {}
    for split, run in (("val", trainer.validate), ("test", trainer.test)):
        if split in splits and evaluates(split, model, datamodule):
            run(model, datamodule=datamodule, verbose=False)
            metrics |= {name: value.item() for name, value in trainer.callback_metrics.items()}
    return metrics


def evaluates(split: str, model: L.LightningModule, datamodule: L.LightningDataModule) -> bool:
    """Whether a user's parts have what the evaluation of a split needs: the step and the loader."""
    step, loader = {"val": ("validation_step", "val_dataloader"), "test": ("test_step", "test_dataloader")}[split]
    return is_overridden(step, model) and is_overridden(loader, datamodule)


def _measured(model: TaskModule, splits: Iterable[SplitName]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for split in splits:
        metrics |= {name: value.item() for name, value in model.measured(split).items()}
        if split == "val" and chooses(model):
            metrics["val/threshold"] = model.threshold
    return metrics


@contextmanager
def _without_callbacks_and_loggers(trainer: L.Trainer) -> Iterator[None]:
    """Take callbacks and loggers off the trainer while it evaluates other rows than the test rows.

    A callback that counts rows in ``on_test_batch_end``, as Lightning's manual shows it, would count them all.
    """
    callbacks, loggers = trainer.callbacks, trainer.loggers  # type: ignore[attr-defined]
    trainer.callbacks, trainer.loggers = [], []  # type: ignore[attr-defined]
    try:
        yield
    finally:
        trainer.callbacks, trainer.loggers = callbacks, loggers  # type: ignore[attr-defined]
