"""Seed the draws of each epoch, so that a run of a user's own parts that resumes draws what it would have drawn."""

import random

import lightning as L
import numpy as np
import torch

from perceptron.randomness import Stream, derive_seed

# The legacy generator of NumPy takes no larger one.
_LARGEST = 2**32


class EpochSeeds(L.Callback):
    """Seeds Python's, NumPy's and torch's generators by seed and epoch, before the epoch's loader starts.

    A loader of torch draws the order of its rows when it starts: Lightning does that for the first epoch of a fit
    before training starts, and for each other epoch after ``on_train_epoch_start``.

    Args:
        seed: the run's.
        first_epoch: the epoch, from 0, that the fit starts with.
    """

    # Its hooks may be called once per group of steps.
    takes_groups = True

    def __init__(self, *, seed: int, first_epoch: int = 0) -> None:
        self.seed = seed
        self.first_epoch = first_epoch

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Seed the first epoch."""
        self._draw_anew(self.first_epoch, trainer.global_rank)

    def on_sanity_check_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The same, where a trial validation has drawn."""
        self.on_fit_start(trainer, pl_module)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:  # noqa: ARG002
        """Seed every other epoch."""
        if trainer.current_epoch != self.first_epoch:
            self._draw_anew(trainer.current_epoch, trainer.global_rank)

    def _draw_anew(self, epoch: int, rank: int) -> None:
        seed = derive_seed(self.seed, Stream.NOISE, epoch, rank)
        random.seed(seed)
        # Augmentations of users' data sets draw from it.
        np.random.seed(seed % _LARGEST)  # noqa: NPY002
        torch.manual_seed(seed)
