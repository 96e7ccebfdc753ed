"""Types and allowed values of the group ``model`` and its networks. Imports nothing heavy."""

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from perceptron.composition.settings.schema.constraints import (
    AT_LEAST_1,
    OPEN_SHARE_OR_AUTO,
    SHARE,
    WIDTHS,
    one_of,
    setting,
)


@dataclass
class MLPConf:
    """Arguments of ``perceptron.networks.MLP``."""

    _target_: str = "perceptron.networks.MLP"
    hidden: list[int] = setting(list, WIDTHS)
    activation: str = setting("relu", one_of("gelu", "relu", "sigmoid", "silu", "tanh"))
    dropout: float = setting(0.0, SHARE)
    categories: str = setting("one_hot", one_of("one_hot", "embedding"))
    category_width: int | None = setting(None, AT_LEAST_1)


@dataclass
class TabMConf:
    """Arguments of ``perceptron.networks.TabM``."""

    _target_: str = "perceptron.networks.TabM"
    members: int = setting(32, AT_LEAST_1)
    width: int = setting(512, AT_LEAST_1)
    blocks: int | None = setting(None, AT_LEAST_1)
    dropout: float = setting(0.1, SHARE)
    embeddings: str = setting("none", one_of("none", "linear", "periodic", "piecewise_linear"))


@dataclass
class ModelConf:
    """What every model has. ``network`` is any ``nn.Module`` that takes ``n_features`` and ``n_outputs``."""

    _target_: str = MISSING
    network: Any = MISSING


@dataclass
class BinaryConf(ModelConf):
    """Arguments of ``perceptron.models.BinaryClassifier``."""

    _target_: str = "perceptron.models.BinaryClassifier"
    # A number, or auto.
    threshold: Any = setting(0.5, OPEN_SHARE_OR_AUTO)


@dataclass
class MulticlassConf(ModelConf):
    """Arguments of ``perceptron.models.MulticlassClassifier``."""

    _target_: str = "perceptron.models.MulticlassClassifier"
    label_smoothing: float = setting(0.0, SHARE)


@dataclass
class RegressionConf(ModelConf):
    """Arguments of ``perceptron.models.Regressor``."""

    _target_: str = "perceptron.models.Regressor"


@dataclass
class AutoConf(ModelConf):
    """The kind of ``perceptron.models.TaskModule`` that the data's task needs, with its own defaults."""

    _target_: str = "perceptron.models.TaskModule"
    # Of two classes: a number, or auto.
    threshold: Any = setting(None, OPEN_SHARE_OR_AUTO)


@dataclass
class EstimatorConf:
    """An estimator of scikit-learn: ``estimator._target_`` is its dotted name, the rest its arguments."""

    _target_: str = "perceptron.models.Estimator"
    estimator: dict[str, Any] = MISSING
