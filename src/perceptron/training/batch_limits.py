"""Check the trainer's limits on batches against the data."""

import math
from collections.abc import Mapping
from typing import Any

from perceptron.data import TableDataModule
from perceptron.errors import UsageError


def check_batches(trainer: Mapping[str, Any], datamodule: TableDataModule) -> None:
    """Refuse limits that no epoch can keep: Lightning says it only when the run's folder is begun.

    Raises:
        UsageError: where a share is of less than a batch, or validation waits for more batches than an epoch has.
    """
    if trainer["fast_dev_run"]:
        return
    n_train = datamodule.row_batches().n_steps
    n_val = -(-len(datamodule.split.val) // datamodule.eval_batch_size)
    for name, n in (("limit_train_batches", n_train), ("limit_val_batches", n_val), ("overfit_batches", n_train)):
        share = trainer[name]
        if isinstance(share, float) and share > 0 and n and int(share * n) == 0:
            least = math.ceil(1000 / n) / 1000
            raise UsageError(
                f"trainer.{name} must be at least one batch of {n}, got {share}; set trainer.{name}={least:g} or more"
            )
    limit, every = trainer["limit_train_batches"], trainer["val_check_interval"]
    if isinstance(limit, int | float):
        n_train = min(limit, n_train) if isinstance(limit, int) else int(limit * n_train)
    if isinstance(every, int) and every > n_train and trainer["check_val_every_n_epoch"] is not None:
        raise UsageError(
            f"trainer.val_check_interval must be at most the batches of an epoch, {n_train}, got {every}; set "
            "trainer.check_val_every_n_epoch=null to count batches across epochs"
        )
