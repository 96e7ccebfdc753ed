"""Classification of rows of numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data
from torch import nn

from perceptron.data import Table, TableDataModule, TableSchema
from perceptron.estimators.base import FLOATS, Perceptron
from perceptron.estimators.fit_arguments import column_names, row_weights
from perceptron.models import BinaryClassifier, MulticlassClassifier, TaskModule
from perceptron.tasks import BINARY, MULTICLASS


class PerceptronClassifier(ClassifierMixin, Perceptron):  # type: ignore[misc]
    """Multi-layer perceptron for two or more classes.

    Args:
        hidden: width of each hidden layer; empty for logistic regression.
        activation: ``relu``, ``tanh``, ``sigmoid``, ``gelu`` or ``silu``.
        dropout: probability of zeroing a hidden unit in training, in [0, 1).
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        learning_rate: the optimizer's rate.
        weight_decay: the optimizer's decay of all parameters.
        batch_size: rows per optimizer step; None for all.
        max_epochs: largest number of passes over the training rows.
        val_fraction: share of the rows held out for early stopping and for choosing the best epoch's weights.
        patience: number of epochs after which training stops if the loss did not improve by ``min_delta``; the loss is
            that on held-out rows, or on training rows if none are held out. None to train ``max_epochs``.
        min_delta: see ``patience``.
        standardize: ``per_feature``, ``global`` or ``none``; fitted only on training rows.
        accelerator: as ``lightning.Trainer`` takes it: ``cpu``, ``gpu``, ``auto``.
        random_state: None, a number or a ``numpy.random.RandomState``, as everywhere in scikit-learn.
        verbose: whether to show Lightning's progress bar.
        network: ``mlp``, or ``tabm`` for ``perceptron.networks.TabM`` with its authors' sizes instead of ``hidden``,
            ``activation`` and ``dropout``; or a callable that returns your own network for ``n_features`` and
            ``n_outputs``, such as ``functools.partial(TabM, width=128)``.
        n_members: number of networks, trained side by side, each with its own weights, row order and held-out rows.
            Their mean is the prediction (Lakshminarayanan et al. 2017, arXiv:1612.01474).
        class_weight: ``balanced``, weights by class, or None, as everywhere in scikit-learn.

    Attributes:
        classes_: labels in the order of the probabilities.
        model_: the trained LightningModule, which takes raw features.
        n_iter_: number of epochs trained; of several members, that of the one that trained longest.
        n_features_in_: number of features.
        feature_names_in_: their names, if ``X`` had any.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (100,),
        *,
        activation: str = "relu",
        dropout: float = 0.0,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        batch_size: int | None = 200,
        max_epochs: int = 200,
        val_fraction: float = 0.0,
        patience: int | None = 10,
        min_delta: float = 1e-4,
        standardize: str = "per_feature",
        accelerator: str = "cpu",
        random_state: Any = None,
        verbose: bool = False,
        network: str | Callable[..., nn.Module] = "mlp",
        n_members: int = 1,
        class_weight: Mapping[Any, float] | str | None = None,
    ) -> None:
        super().__init__(
            hidden,
            activation=activation,
            dropout=dropout,
            optimizer=optimizer,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_epochs=max_epochs,
            val_fraction=val_fraction,
            patience=patience,
            min_delta=min_delta,
            standardize=standardize,
            accelerator=accelerator,
            random_state=random_state,
            verbose=verbose,
            network=network,
            n_members=n_members,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train on the rows of a table.

        Args:
            X: ``(n_rows, n_features)`` numbers.
            y: ``(n_rows,)`` labels of any kind.
            sample_weight: ``(n_rows,)`` weights of the rows; None for equal weights.

        Raises:
            ValueError: for invalid rows, labels or parameters.
        """
        X, y = validate_data(self, X, y, dtype=FLOATS)  # noqa: N806
        check_classification_targets(y)
        self.classes_, labels = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs at least two classes in y, got 1 class: {self.classes_[0]!r}")
        if self.class_weight is not None:
            of_classes = compute_sample_weight(self.class_weight, y)
            sample_weight = of_classes if sample_weight is None else sample_weight * of_classes
        schema = TableSchema(
            task=(BINARY if len(self.classes_) == 2 else MULTICLASS).name,
            feature_names=column_names(self, X),
            class_names=tuple(str(label) for label in self.classes_),
            target_names=("target",),
        )
        weights = row_weights(sample_weight, X)
        return self._fit(Table(features=X, target=labels.astype(np.int64), schema=schema, weights=weights))

    def predict_proba(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """Probabilities ``(n_rows, n_classes)`` in the order of ``classes_``."""
        probabilities = self._predictions(X)[1]
        assert probabilities is not None  # noqa: S101
        return probabilities

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """Label ``(n_rows,)`` of each row."""
        numbers = self._predictions(X)[0]
        labels: npt.NDArray[Any] = self.classes_[numbers]
        return labels

    def _module(self, n_outputs: int, data: TableDataModule, **settings: Any) -> TaskModule:  # noqa: ARG002
        return (BinaryClassifier if n_outputs == 1 else MulticlassClassifier)(**settings)
