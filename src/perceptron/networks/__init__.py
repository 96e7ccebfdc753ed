"""Plain ``nn.Module``s that map standardised features to outputs."""

from perceptron.networks.mlp import ACTIVATIONS, MLP
from perceptron.networks.point import Point

__all__ = ["ACTIVATIONS", "MLP", "Point"]
