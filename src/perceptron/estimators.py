"""The networks as estimators in scikit-learn's conventions, trained by the same data module, models and Trainer."""

import logging
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from numbers import Real
from typing import Any, Self

import lightning as L
import numpy as np
import numpy.typing as npt
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import EarlyStopping
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_random_state, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)
from torch import Tensor, nn, optim

from perceptron.data import Table, TableDataModule, TableSchema
from perceptron.errors import DivergedError, UsageError
from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, Standardize, TaskModule
from perceptron.networks import ACTIVATIONS, MLP, TabM
from perceptron.randomness import Stream, derive_seed
from perceptron.tasks import BINARY, MULTICLASS, REGRESSION

__all__ = ["PerceptronClassifier", "PerceptronRegressor"]

_OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {"adam": optim.Adam, "adamw": optim.AdamW, "sgd": optim.SGD}
_FLOATS = (np.float64, np.float32)
_ROWS_AT_ONCE = 4096


class _Perceptron(BaseEstimator):  # type: ignore[misc]
    """What both estimators share. Abstract.

    It computes in the precision of ``X``, as scikit-learn's own networks do: float64 unless ``X`` is float32.
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
        network: str = "mlp",
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.val_fraction = val_fraction
        self.patience = patience
        self.min_delta = min_delta
        self.standardize = standardize
        self.accelerator = accelerator
        self.random_state = random_state
        self.verbose = verbose
        self.network = network

    @abstractmethod
    def _module(self, n_outputs: int, data: TableDataModule, **settings: Any) -> TaskModule:
        """LightningModule of the task."""

    def _fit(self, table: Table) -> Self:
        self._check_parameters()
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        data = TableDataModule(
            dataset=lambda: table,
            val_fraction=self.val_fraction,
            test_fraction=0,
            split_seed=seed,
            standardize=self.standardize,  # type: ignore[arg-type]
            batch_size=self.batch_size,
            seed=seed,
        )
        with torch.random.fork_rng(devices=[]), _quiet_lightning():
            try:
                data.setup()
            except UsageError as error:
                raise ValueError(str(error).replace("data.", "")) from error
            torch.manual_seed(derive_seed(seed, Stream.WEIGHTS))
            model = self._model(table, data, seed)
            best = _BestWeights()
            trainer = self._trainer(best)
            try:
                trainer.fit(model, datamodule=data)
            except DivergedError as error:
                raise ValueError(
                    f"training must stay finite, got learning_rate={self.learning_rate} diverging; lower learning_rate"
                ) from error
        if best.state is not None:
            model.load_state_dict(best.state)
        model.trainer = None
        if not all(bool(parameter.isfinite().all()) for parameter in model.parameters()):
            raise ValueError(
                f"training must stay finite, got learning_rate={self.learning_rate} diverging; lower learning_rate"
            )
        self.model_ = model.cpu().eval()
        self.n_iter_ = trainer.current_epoch
        return self

    def _model(self, table: Table, data: TableDataModule, seed: int) -> TaskModule:
        dtype = torch.float32 if table.features.dtype == np.float32 else torch.float64
        task = {task.name: task for task in (BINARY, MULTICLASS, REGRESSION)}[table.schema.task]
        n_outputs = table.schema.n_outputs(task)
        n_features = table.schema.n_features
        network: nn.Module
        if self.network == "tabm":
            network = TabM(n_features=n_features, n_outputs=n_outputs)
        else:
            network = MLP(
                n_features=n_features,
                n_outputs=n_outputs,
                hidden=tuple(self.hidden),
                activation=self.activation,
                dropout=self.dropout,
            )
        scaling = data.features_scaling
        model = self._module(
            n_outputs,
            data,
            network=network,
            standardize=Standardize(scaling.mean, scaling.scale, dtype=dtype),
            optimizer=partial(_OPTIMIZERS[self.optimizer], lr=self.learning_rate, weight_decay=self.weight_decay),
            seed=seed,
        )
        return model.to(dtype)

    def _trainer(self, best: "_BestWeights") -> L.Trainer:
        holds_out = self.val_fraction > 0
        callbacks: list[L.Callback] = [best] if holds_out else []
        if self.patience is not None:
            stopping = EarlyStopping(
                "val/loss" if holds_out else "train/loss",
                patience=self.patience,
                min_delta=self.min_delta,
                check_on_train_epoch_end=True,
            )
            callbacks.append(stopping)
        return L.Trainer(
            accelerator=self.accelerator,
            devices=1,
            max_epochs=self.max_epochs,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=self.verbose,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=0,
            use_distributed_sampler=False,
            # A search on a cluster runs many fits in one job; none of them is the job.
            plugins=[LightningEnvironment()],
        )

    def _check_parameters(self) -> None:
        rules: list[tuple[str, str, bool]] = [
            ("hidden", "widths of at least 1", all(width >= 1 for width in self.hidden)),
            ("activation", f"one of {', '.join(ACTIVATIONS)}", self.activation in ACTIVATIONS),
            ("dropout", "in [0, 1)", 0 <= self.dropout < 1),
            ("network", "one of mlp, tabm", self.network in ("mlp", "tabm")),
            ("optimizer", f"one of {', '.join(_OPTIMIZERS)}", self.optimizer in _OPTIMIZERS),
            ("learning_rate", "above 0", 0 < self.learning_rate < float("inf")),
            ("weight_decay", "at least 0", 0 <= self.weight_decay < float("inf")),
            ("batch_size", "at least 1, or None", self.batch_size is None or self.batch_size >= 1),
            ("max_epochs", "at least 1", self.max_epochs >= 1),
            ("val_fraction", "in [0, 1)", 0 <= self.val_fraction < 1),
            ("patience", "at least 0, or None", self.patience is None or self.patience >= 0),
            ("min_delta", "at least 0", self.min_delta >= 0),
            (
                "standardize",
                "one of per_feature, global, none",
                self.standardize in ("per_feature", "global", "none"),
            ),
        ]
        for name, rule, holds in rules:
            if not holds:
                raise ValueError(f"{name} must be {rule}, got {getattr(self, name)!r}; set {name}")

    def _predictions(self, X: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:  # noqa: N803
        """Labels (values) and probabilities of the rows."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=_FLOATS)  # noqa: N806
        model: TaskModule = self.model_
        # A copy: what is read from a memory map cannot be written, which torch does not know.
        features = torch.tensor(X, dtype=model.standardize.mean.dtype)
        with torch.inference_mode():
            answers = [model.predict(rows) for rows in torch.split(features, _ROWS_AT_ONCE)]
        labels = torch.cat([answer.labels for answer in answers]).numpy()
        parts = [answer.probabilities for answer in answers if answer.probabilities is not None]
        return labels, torch.cat(parts).numpy() if parts else None


class PerceptronClassifier(ClassifierMixin, _Perceptron):  # type: ignore[misc]
    """Multi-layer perceptron for two or more classes.

    Args:
        hidden: width of each hidden layer; none for logistic regression.
        activation: ``relu``, ``tanh``, ``sigmoid``, ``gelu`` or ``silu``.
        dropout: probability of zeroing a hidden unit in training, in [0, 1).
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        learning_rate: the optimizer's rate.
        weight_decay: the optimizer's decay of all parameters.
        batch_size: rows per optimizer step; None for all.
        max_epochs: passes over the training rows, at most.
        val_fraction: share of the rows that are held out to stop early and to choose the best epoch's weights.
        patience: epochs without a loss better by ``min_delta`` after which training stops: the loss on held-out
            rows, or on training rows where none are held out. None to train ``max_epochs``.
        min_delta: see ``patience``.
        standardize: ``per_feature``, ``global`` or ``none``; fitted on training rows alone.
        accelerator: as ``lightning.Trainer`` takes it: ``cpu``, ``gpu``, ``auto``.
        random_state: None, a number or a ``numpy.random.RandomState``, as everywhere in scikit-learn.
        verbose: whether to show Lightning's progress bar.
        network: ``mlp``, or ``tabm`` for ``perceptron.networks.TabM`` with its authors' sizes instead of ``hidden``,
            ``activation`` and ``dropout``.
        class_weight: ``balanced``, weights by class, or None, as everywhere in scikit-learn.

    Attributes:
        classes_: labels in the order of the probabilities.
        model_: the trained LightningModule, which takes raw features.
        n_iter_: epochs trained.
        n_features_in_: number of features.
        feature_names_in_: their names, where ``X`` had some.
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
        network: str = "mlp",
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
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train on the rows of a table.

        Args:
            X: ``(n_rows, n_features)`` numbers.
            y: ``(n_rows,)`` labels of any kind.
            sample_weight: ``(n_rows,)`` how much each row counts; None for all alike.

        Raises:
            ValueError: where rows, labels or parameters are not such.
        """
        X, y = validate_data(self, X, y, dtype=_FLOATS)  # noqa: N806
        check_classification_targets(y)
        self.classes_, labels = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs at least two classes in y, got 1 class: {self.classes_[0]!r}")
        if self.class_weight is not None:
            of_classes = compute_sample_weight(self.class_weight, y)
            sample_weight = of_classes if sample_weight is None else sample_weight * of_classes
        schema = TableSchema(
            task=(BINARY if len(self.classes_) == 2 else MULTICLASS).name,
            feature_names=_names(self, X),
            class_names=tuple(str(label) for label in self.classes_),
            target_names=("target",),
        )
        weights = _weights(sample_weight, X)
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


class PerceptronRegressor(RegressorMixin, _Perceptron):  # type: ignore[misc]
    """Multi-layer perceptron for one or more continuous targets, which it standardises while it trains.

    Arguments and attributes are those of ``PerceptronClassifier``, without ``class_weight`` and ``classes_``.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train on the rows of a table.

        Args:
            X: ``(n_rows, n_features)`` numbers.
            y: ``(n_rows,)`` or ``(n_rows, n_targets)`` numbers.
            sample_weight: ``(n_rows,)`` how much each row counts; None for all alike.

        Raises:
            ValueError: where rows, targets or parameters are not such.
        """
        X, y = validate_data(self, X, y, dtype=_FLOATS, multi_output=True, y_numeric=True)  # noqa: N806
        self._is_flat = y.ndim == 1
        target = np.asarray(y, dtype=X.dtype).reshape(len(X), -1)
        schema = TableSchema(
            task=REGRESSION.name,
            feature_names=_names(self, X),
            class_names=(),
            target_names=tuple(f"y{i}" for i in range(target.shape[1])),
        )
        return self._fit(Table(features=X, target=target, schema=schema, weights=_weights(sample_weight, X)))

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """Values of the shape of ``y`` in its units."""
        values = self._predictions(X)[0]
        return values[:, 0] if self._is_flat else values

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _module(self, n_outputs: int, data: TableDataModule, **settings: Any) -> TaskModule:  # noqa: ARG002
        scaling = data.target_scaling
        assert scaling is not None  # noqa: S101
        dtype = settings["standardize"].mean.dtype
        return Regressor(standardize_target=Standardize(scaling.mean, scaling.scale, dtype=dtype), **settings)


class _BestWeights(L.Callback):
    """Keeps the weights of the epoch with the lowest loss on held-out rows, in memory."""

    def __init__(self) -> None:
        self.lowest = float("inf")
        self.state: dict[str, Tensor] | None = None

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        loss = trainer.callback_metrics["val/loss"].item()
        if loss < self.lowest:
            self.lowest = loss
            self.state = {name: value.detach().clone() for name, value in pl_module.state_dict().items()}


def _names(estimator: _Perceptron, X: npt.NDArray[Any]) -> tuple[str, ...]:  # noqa: N803
    return tuple(getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(X.shape[1])]))


def _weights(sample_weight: Any, X: npt.NDArray[Any]) -> npt.NDArray[Any] | None:  # noqa: N803
    if sample_weight is None:
        return None
    weights: npt.NDArray[Any] = check_array(
        np.full(len(X), sample_weight) if isinstance(sample_weight, Real) else sample_weight,
        dtype=X.dtype,
        ensure_2d=False,
        ensure_non_negative=True,
        input_name="sample_weight",
    )
    check_consistent_length(weights, X)
    if weights.ndim != 1 or not weights.sum() > 0:
        raise ValueError("sample_weight must be a number per row, not all of them zero; leave it out for all alike")
    return weights


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Without Lightning's lines on devices and its advice on workers and validation rows, which are meant for runs."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*LeafSpec.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
