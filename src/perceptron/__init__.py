"""perceptron: from a lecture notebook on neural networks to real experiments."""

__version__ = "0.1.0"
