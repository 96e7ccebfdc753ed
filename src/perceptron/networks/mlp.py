"""Multi-layer perceptron."""

from collections.abc import Sequence

from torch import Tensor, nn

from perceptron.networks.categories import CategoryEmbeddings

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


class MLP(nn.Sequential):
    """Linear layers with an activation, and dropout, between them; without hidden layers a linear model.

    Shape: ``(batch, n_features)`` float32 to ``(batch, n_outputs)`` float32.

    Args:
        n_features: width of the input.
        n_outputs: width of the output.
        hidden: width of each hidden layer.
        activation: a key of ``ACTIVATIONS``.
        dropout: probability of zeroing a hidden unit in training, in [0, 1).
        category_places: blocks of features that are one column of categories, see ``CategoryEmbeddings``.
        categories: ``one_hot`` to take them as they are, ``embedding`` for learnt vectors.
        category_width: of these; None for a rule by the number of categories.
    """

    def __init__(
        self,
        *,
        n_features: int,
        n_outputs: int,
        hidden: Sequence[int] = (),
        activation: str = "relu",
        dropout: float = 0.0,
        category_places: Sequence[Sequence[int]] = (),
        categories: str = "one_hot",
        category_width: int | None = None,
    ) -> None:
        layers: list[nn.Module] = []
        width = n_features
        if categories == "embedding" and category_places:
            embeddings = CategoryEmbeddings(
                n_features=n_features, category_places=category_places, width=category_width
            )
            layers.append(embeddings)
            width = embeddings.out_features
        for next_width in hidden:
            layers += [nn.Linear(width, next_width), ACTIVATIONS[activation]()]
            if dropout > 0:
                layers.append(nn.Dropout(dropout))
            width = next_width
        layers.append(nn.Linear(width, n_outputs))
        super().__init__(*layers)

    # nn.Sequential types its forward as Any -> Any.
    def __call__(self, features: Tensor) -> Tensor:
        """Outputs of a batch."""
        outputs: Tensor = super().__call__(features)
        return outputs
