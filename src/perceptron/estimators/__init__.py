"""The networks as estimators in scikit-learn's conventions."""

from perceptron.estimators.classifier import PerceptronClassifier
from perceptron.estimators.regressor import PerceptronRegressor

__all__ = ["PerceptronClassifier", "PerceptronRegressor"]
