"""Piecewise-linear embeddings of numbers by TabM's authors, with bins that can be fitted later. Needs their package."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins
from torch import Tensor

from perceptron.errors import UsageError

# As their README has it for TabM.
_N_BINS = 48
_WIDTH = 16


class FittedPiecewiseLinear(PiecewiseLinearEmbeddings):  # type: ignore[misc]
    """Gorishniy et al. 2022, arXiv:2203.05556, section 3.2.1: bins by quantiles.

    Shape: ``(batch, n_features)`` standardised to ``(batch, n_features, 16)``, of the same float type.

    Until it is fitted, or takes a state, each number has one bin from 0 to 1. The bins are part of its state, which it
    takes whatever their number.

    Args:
        n_features: how many numbers.
    """

    def __init__(self, n_features: int) -> None:
        with _single_bins():
            super().__init__([torch.tensor([0.0, 1.0])] * n_features, _WIDTH, activation=False, version="B")
        self.register_load_state_dict_pre_hook(_make_room)

    def fit(self, features: Tensor) -> None:
        """Set the bins by training rows ``(n_rows, n_features)``, standardised; before there is an optimizer.

        A column that does not vary has one bin, in which the rows are at its start.

        Raises:
            UsageError: for fewer than three rows.
        """
        n_rows = len(features)
        if n_rows < 3:
            raise UsageError(
                f"model.network.embeddings=piecewise_linear needs at least 3 training rows, got {n_rows}; choose "
                "another"
            )
        varies = (features != features[0]).any(dim=0)
        bins = [torch.stack([value, value + 1]) for value in features[0]]
        if varies.any():
            with _single_bins():
                found = compute_bins(features[:, varies], n_bins=min(_N_BINS, n_rows - 1))
            for place, edges in zip(varies.nonzero().flatten().tolist(), found, strict=True):
                bins[place] = edges
        self._take(bins)

    def _take(self, bins: list[Tensor]) -> None:
        with _single_bins():
            fresh = PiecewiseLinearEmbeddings(bins, _WIDTH, activation=False, version="B")
        fresh.to(next(self.parameters()))
        self.impl, self.linear = fresh.impl, fresh.linear


def _make_room(module: FittedPiecewiseLinear, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Take bins of the number that a state has; torch then copies the state, or says that it does not fit."""
    weight, mask = state.get(f"{prefix}impl.weight"), state.get(f"{prefix}impl.mask")
    n_features = len(module.impl.weight)
    if not isinstance(weight, Tensor) or weight.ndim != 2 or len(weight) != n_features or weight.shape[1] == 0:
        return
    counts = [weight.shape[1]] * n_features
    if isinstance(mask, Tensor):
        counts = [int(count) for count in mask.reshape(n_features, -1).sum(dim=1)]
    own = module.impl.mask
    before = [module.impl.weight.shape[1]] * n_features if own is None else own.sum(dim=1).tolist()
    if counts != before and 0 < min(counts) <= max(counts) <= weight.shape[1]:
        module._take([torch.arange(count + 1.0) for count in counts])


@contextmanager
def _single_bins() -> Iterator[None]:
    """Without the warning of each column with one bin: such a column is scaled to its range."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* has just two bin edges")
        yield
