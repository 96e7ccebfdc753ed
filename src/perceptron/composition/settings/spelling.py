"""The nearest valid name, under the place that it had before."""

from perceptron.spelling import did_you_mean

__all__ = ["did_you_mean"]
