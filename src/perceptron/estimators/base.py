"""The common base of the estimators: parameters, their checks, fitting and predicting."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import nn, optim

from perceptron.data import Scaling, Table, TableDataModule
from perceptron.errors import DivergedError, UsageError
from perceptron.estimators.fitting import FitSettings, train_alone, train_side_by_side
from perceptron.models import Standardize, TaskModule
from perceptron.models.ensemble import Ensemble, take_members
from perceptron.networks import ACTIVATIONS, MLP, MOST_ROWS, TabM
from perceptron.population import CannotStackError, check_stack
from perceptron.randomness import Stream, derive_seed
from perceptron.tasks import TASKS
from perceptron.training.lightning_messages import quiet_lightning

FLOATS = (np.float64, np.float32)
_OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {"adam": optim.Adam, "adamw": optim.AdamW, "sgd": optim.SGD}
_ROWS_AT_ONCE = 4096


class Perceptron(BaseEstimator, ABC):  # type: ignore[misc]
    """The common base of both estimators. Abstract.

    Like scikit-learn's own networks, it computes in the precision of ``X``: float64 unless ``X`` is float32.
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
        self.n_members = n_members

    @abstractmethod
    def _module(self, n_outputs: int, data: TableDataModule, **settings: Any) -> TaskModule:
        """The LightningModule of the task."""

    def _fit(self, table: Table) -> Self:
        self._check_parameters()
        # Torch shares memory with arrays, but refuses read-only ones such as memory maps.
        table = replace(
            table,
            features=np.require(table.features, requirements="W"),
            target=np.require(table.target, requirements="W"),
        )
        seeds = check_random_state(self.random_state).randint(np.iinfo(np.int32).max, size=self.n_members)
        with torch.random.fork_rng(devices=[]), quiet_lightning():
            try:
                data = [self._data(table, int(seed)) for seed in seeds]
            except UsageError as error:
                said = str(error).replace("set data.task=regression", "take PerceptronRegressor")
                raise ValueError(said.replace("data.", "")) from error
            models = [self._model(table, own) for own in data]
            try:
                self.n_iter_ = self._train(models, data)
            except DivergedError as error:
                raise ValueError(self._diverged) from error
        finite = (bool(value.isfinite().all()) for model in models for value in model.parameters())
        if not all(finite):
            raise ValueError(self._diverged)
        model = models[0] if self.n_members == 1 else self._averaged(models, table, data[0])
        self.model_ = model.cpu().eval()
        return self

    @property
    def _diverged(self) -> str:
        return f"training must stay finite, got learning_rate={self.learning_rate} diverging; lower learning_rate"

    def _data(self, table: Table, seed: int) -> TableDataModule:
        data = TableDataModule(
            dataset=lambda: table,
            val_fraction=self.val_fraction,
            test_fraction=0,
            split_seed=seed,
            standardize=self.standardize,  # type: ignore[arg-type]
            batch_size=self.batch_size,
            seed=seed,
        )
        data.setup()
        return data

    def _model(self, table: Table, data: TableDataModule) -> TaskModule:
        torch.manual_seed(derive_seed(data.seed, Stream.WEIGHTS))
        model = self._task_model(self._network, table, data, data.features_scaling)
        if isinstance(model.network, TabM) and model.network.fits_bins:
            model.network.fit_bins(model.standardize(data.rows("train", most=MOST_ROWS)[0]))
        return model

    def _averaged(self, models: Sequence[TaskModule], table: Table, data: TableDataModule) -> TaskModule:
        """One model whose predictions are the means of these models' predictions."""
        n_features = table.schema.n_features
        identity = Scaling(mean=np.zeros(n_features), scale=np.ones(n_features))
        ensemble = partial(Ensemble, networks=[self._network] * len(models))
        model = self._task_model(ensemble, table, data, identity)
        take_members(model, models)
        return model

    def _task_model(
        self, network: Callable[..., nn.Module], table: Table, data: TableDataModule, scaling: Scaling
    ) -> TaskModule:
        """The task's model with a network, in the table's precision."""
        dtype = torch.float32 if table.features.dtype == np.float32 else torch.float64
        n_outputs = table.schema.n_outputs(TASKS[table.schema.task])
        model = self._module(
            n_outputs,
            data,
            network=network(n_features=table.schema.n_features, n_outputs=n_outputs),
            standardize=Standardize(scaling.mean, scaling.scale, dtype=dtype),
            optimizer=partial(_OPTIMIZERS[self.optimizer], lr=self.learning_rate, weight_decay=self.weight_decay),
            seed=data.seed,
            # Only the loss decides which weights are kept.
            task_metrics=False,
        )
        return model.to(dtype)

    def _network(self, *, n_features: int, n_outputs: int) -> nn.Module:
        if callable(self.network):
            return self.network(n_features=n_features, n_outputs=n_outputs)
        if self.network == "tabm":
            return TabM(n_features=n_features, n_outputs=n_outputs)
        return MLP(
            n_features=n_features,
            n_outputs=n_outputs,
            hidden=tuple(self.hidden),
            activation=self.activation,
            dropout=self.dropout,
        )

    def _train(self, models: Sequence[TaskModule], data: Sequence[TableDataModule]) -> int:
        """Train all models; return the number of epochs of the one that trained longest."""
        settings = FitSettings(
            max_epochs=self.max_epochs,
            patience=self.patience,
            min_delta=self.min_delta,
            accelerator=self.accelerator,
            verbose=self.verbose,
        )
        if len(models) > 1 and _can_stack(models[0], data[0].table):
            return train_side_by_side(models, data, settings)
        return max(train_alone(model, own, settings) for model, own in zip(models, data, strict=True))

    def _check_parameters(self) -> None:
        rules: list[tuple[str, str, bool]] = [
            ("hidden", "widths of at least 1", all(width >= 1 for width in self.hidden)),
            ("activation", f"one of {', '.join(ACTIVATIONS)}", self.activation in ACTIVATIONS),
            ("dropout", "in [0, 1)", 0 <= self.dropout < 1),
            ("network", "mlp, tabm or a callable", callable(self.network) or self.network in ("mlp", "tabm")),
            ("n_members", "at least 1", self.n_members >= 1),
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
        """Labels or values of the rows, and probabilities if there are any."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=FLOATS)  # noqa: N806
        model: TaskModule = self.model_
        # A copy, because torch refuses read-only arrays such as memory maps.
        features = torch.tensor(X, dtype=model.standardize.mean.dtype)
        with torch.inference_mode():
            predictions = [model.predict(rows) for rows in torch.split(features, _ROWS_AT_ONCE)]
        labels = torch.cat([part.labels for part in predictions]).numpy()
        parts = [part.probabilities for part in predictions if part.probabilities is not None]
        return labels, torch.cat(parts).numpy() if parts else None


def _can_stack(model: TaskModule, table: Table) -> bool:
    """Whether models can be trained in one batched computation, which has no weights of rows."""
    if table.weights is not None:
        return False
    try:
        check_stack(model.network, model.standardize(torch.from_numpy(table.features[:8])))
    except CannotStackError:
        return False
    return True
