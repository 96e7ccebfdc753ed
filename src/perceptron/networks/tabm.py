"""TabM: an ensemble of perceptrons that share nearly all their weights, by its authors' package."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from perceptron.errors import missing_extra

# Embeddings of numbers, by the names of Gorishniy et al. 2022, https://arxiv.org/abs/2203.05556.
EMBEDDINGS = ("none", "linear", "periodic", "piecewise_linear")
# Of more training rows, as many at even distances tell the bins.
MOST_ROWS = 2**17
# Width of an embedding, as rtdl_num_embeddings and TabM's authors have it.
_LINEAR_WIDTH = 32
_PERIODIC_WIDTH = 24


class TabM(nn.Module):
    """Gives the answers of ``members`` perceptrons for every row (Gorishniy et al. 2024, arXiv:2410.24210).

    Shape: ``(batch, n_features)`` to ``(batch, members, n_outputs)``, of the same float type.

    Args:
        n_features: width of the input.
        n_outputs: width of a member's output.
        members: number of perceptrons.
        width: of each hidden layer.
        blocks: number of hidden layers; None for the authors' 3, or 2 behind embeddings.
        dropout: probability of zeroing a hidden unit in training, in [0, 1).
        embeddings: of every number: ``none``, ``linear`` (with a ReLU), ``periodic`` or ``piecewise_linear``, whose
            bins ``fit_bins`` sets.
        category_places: first and last (excluded) feature of each block of 0 and 1 that is one column of categories;
            a block without any 1, an unknown category, is a category of its own.
        flags: features that are 0 or 1 by themselves. Neither they nor the categories are numbers to be embedded.

    Raises:
        UsageError: where the package is missing.
    """

    numbers: Tensor

    def __init__(
        self,
        *,
        n_features: int,
        n_outputs: int,
        members: int = 32,
        width: int = 512,
        blocks: int | None = None,
        dropout: float = 0.1,
        embeddings: str = "none",
        category_places: Sequence[Sequence[int]] = (),
        flags: Sequence[int] = (),
    ) -> None:
        super().__init__()
        try:
            import rtdl_num_embeddings
            import tabm
        except ImportError as error:
            raise missing_extra("model=tabm needs tabm", "tabm") from error
        self.places = sorted([(start, stop) for start, stop in category_places] + [(i, i + 1) for i in flags])
        taken = {i for start, stop in self.places for i in range(start, stop)}
        numbers = [i for i in range(n_features) if i not in taken]
        self.register_buffer("numbers", torch.tensor(numbers, dtype=torch.int64), persistent=False)
        settings: dict[str, Any] = {} if blocks is None else {"n_blocks": blocks}
        if embeddings == "linear" and numbers:
            settings["num_embeddings"] = rtdl_num_embeddings.LinearReLUEmbeddings(len(numbers), _LINEAR_WIDTH)
        elif embeddings == "periodic" and numbers:
            settings["num_embeddings"] = rtdl_num_embeddings.PeriodicEmbeddings(
                len(numbers), _PERIODIC_WIDTH, lite=False
            )
        elif embeddings == "piecewise_linear" and numbers:
            from perceptron.networks.piecewise import FittedPiecewiseLinear

            settings["num_embeddings"] = FittedPiecewiseLinear(len(numbers))
        if self.places:
            settings["cat_cardinalities"] = [stop - start + 1 for start, stop in self.places]
        # Perceptrons that compute with the same weights.
        self.shared_by = members
        self.fits_bins = embeddings == "piecewise_linear" and bool(numbers)
        self.ensemble = tabm.TabM.make(
            n_num_features=len(numbers), d_out=n_outputs, k=members, d_block=width, dropout=dropout, **settings
        )

    def fit_bins(self, features: Tensor) -> None:
        """Set the bins of piecewise-linear embeddings, before there is an optimizer.

        Args:
            features: training rows ``(n_rows, n_features)``, standardised.

        Raises:
            UsageError: for fewer than three rows.
        """
        self.ensemble.num_module.fit(features.index_select(1, self.numbers))

    def forward(self, features: Tensor) -> Tensor:
        """Answers of every member."""
        numbers = features.index_select(1, self.numbers) if self.places else features
        embed = self.ensemble.num_module
        parts = [numbers if embed is None else embed(numbers).flatten(1)] if numbers.shape[1] else []
        for start, stop in self.places:
            block = features[:, start:stop]
            parts += [block, 1 - block.sum(dim=1, keepdim=True)]
        # What the package's own forward does behind its one-hot encoding, which takes numbers of categories, and its
        # torch.column_stack, which ONNX has as a loop.
        inside = self.ensemble.backbone(self.ensemble.ensemble_view(torch.cat(parts, dim=1)))
        outputs: Tensor = self.ensemble.output(inside)
        return outputs
