"""Plain ``nn.Module``s that map standardised features to outputs."""

from perceptron.networks.categories import CATEGORIES, CategoryEmbeddings
from perceptron.networks.mlp import ACTIVATIONS, MLP
from perceptron.networks.point import Point
from perceptron.networks.tabm import EMBEDDINGS, MOST_ROWS, TabM

__all__ = ["ACTIVATIONS", "CATEGORIES", "EMBEDDINGS", "MLP", "MOST_ROWS", "CategoryEmbeddings", "Point", "TabM"]
