"""TabM: an ensemble of perceptrons that share nearly all their weights, by its authors' package."""

from typing import Any

from torch import Tensor, nn

from perceptron.errors import UsageError

# Embeddings of numbers, by the names of Gorishniy et al. 2022, https://arxiv.org/abs/2203.05556.
EMBEDDINGS = ("none", "linear", "periodic")
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
        embeddings: of every number: ``none``, ``linear`` (with a ReLU) or ``periodic``.

    Raises:
        UsageError: where the package is missing.
    """

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
    ) -> None:
        super().__init__()
        try:
            import rtdl_num_embeddings
            import tabm
        except ImportError as error:
            raise UsageError("model=tabm needs tabm, got none; type pip install 'perceptron[tabm]'") from error
        settings: dict[str, Any] = {} if blocks is None else {"n_blocks": blocks}
        if embeddings == "linear":
            settings["num_embeddings"] = rtdl_num_embeddings.LinearReLUEmbeddings(n_features, _LINEAR_WIDTH)
        elif embeddings == "periodic":
            settings["num_embeddings"] = rtdl_num_embeddings.PeriodicEmbeddings(n_features, _PERIODIC_WIDTH, lite=False)
        self.ensemble = tabm.TabM.make(
            n_num_features=n_features, d_out=n_outputs, k=members, d_block=width, dropout=dropout, **settings
        )

    def forward(self, features: Tensor) -> Tensor:
        """Answers of every member."""
        outputs: Tensor = self.ensemble(features)
        return outputs
