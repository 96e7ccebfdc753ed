"""Learnt vectors for categories (Guo and Berkhahn 2016, https://arxiv.org/abs/1604.06737)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

CATEGORIES = ("one_hot", "embedding")


class CategoryEmbeddings(nn.Module):
    """Puts a vector per category in the place of each block of 0 and 1; other features stay.

    The row of 0 and 1 times a table of vectors is the category's vector; a row without any 1, an unknown category
    that has no place, is the zero vector.

    Shape: ``(..., n_features)`` to ``(..., out_features)``, of the same float type.

    Args:
        n_features: width of the input.
        category_places: first and last (excluded) feature of each block, ascending.
        width: of every vector; None for ``embedding_width`` of the block's.
    """

    def __init__(self, *, n_features: int, category_places: Sequence[Sequence[int]], width: int | None = None) -> None:
        super().__init__()
        self.places = tuple((start, stop) for start, stop in category_places)
        self.embeddings = nn.ModuleList(
            nn.Embedding(stop - start, width or embedding_width(stop - start)) for start, stop in self.places
        )
        self.out_features = n_features + sum(
            embedding.embedding_dim - embedding.num_embeddings for embedding in self._tables()
        )

    def forward(self, features: Tensor) -> Tensor:
        """The features, categories as vectors."""
        parts, done = [], 0
        for (start, stop), embedding in zip(self.places, self._tables(), strict=True):
            parts += [features[..., done:start], features[..., start:stop] @ embedding.weight]
            done = stop
        parts.append(features[..., done:])
        return torch.cat([part for part in parts if part.shape[-1] > 0], dim=-1)

    def _tables(self) -> list[nn.Embedding]:
        return [embedding for embedding in self.embeddings if isinstance(embedding, nn.Embedding)]


def embedding_width(n_categories: int) -> int:
    """Fastai's rule, https://docs.fast.ai/tabular.model.html#emb_sz_rule."""
    return min(600, round(1.6 * math.pow(n_categories, 0.56)))
