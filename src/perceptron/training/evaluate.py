"""Loss and metrics of a model on the splits of its data."""

from collections.abc import Sequence

import lightning as L

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
