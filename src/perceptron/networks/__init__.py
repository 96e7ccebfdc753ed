"""Plain ``nn.Module``s that map standardised features to outputs."""

from perceptron.networks.mlp import ACTIVATIONS, MLP
from perceptron.networks.point import Point
from perceptron.networks.tabm import EMBEDDINGS, TabM

__all__ = ["ACTIVATIONS", "EMBEDDINGS", "MLP", "Point", "TabM"]
