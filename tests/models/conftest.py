from collections.abc import Callable
from functools import partial

import lightning as L
import pytest
import torch

from perceptron.data import TableDataModule
from perceptron.models import BinaryClassifier, MulticlassClassifier, Regressor, Standardize, TaskModule
from perceptron.networks import MLP
from perceptron.tasks import TASKS

MODULES: dict[str, type[TaskModule]] = {
    "binary": BinaryClassifier,
    "multiclass": MulticlassClassifier,
    "regression": Regressor,
}
Build = Callable[..., TaskModule]


@pytest.fixture
def build() -> Build:
    """Model for a data module, without any configuration."""

    def build_it(datamodule: TableDataModule, *, hidden=(), lr: float = 0.05, **settings) -> TaskModule:
        schema = datamodule.schema
        torch.manual_seed(0)
        network = MLP(n_features=schema.n_features, n_outputs=schema.n_outputs(TASKS[schema.task]), hidden=hidden)
        if datamodule.target_scaling is not None:
            scaling = datamodule.target_scaling
            settings["standardize_target"] = Standardize(scaling.mean, scaling.scale)
        return MODULES[schema.task](
            network=network,
            standardize=Standardize(datamodule.features_scaling.mean, datamodule.features_scaling.scale),
            **{"optimizer": partial(torch.optim.SGD, lr=lr)} | settings,
        )

    return build_it


@pytest.fixture
def fit() -> Callable[..., L.Trainer]:
    """A bare trainer after ``fit``."""

    def fit_it(model: TaskModule, datamodule: TableDataModule, **settings) -> L.Trainer:
        trainer = L.Trainer(
            **{
                "accelerator": "cpu",
                "logger": False,
                "enable_checkpointing": False,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "num_sanity_val_steps": 0,
                "log_every_n_steps": 0,
            }
            | settings
        )
        trainer.fit(model, datamodule=datamodule)
        return trainer

    return fit_it
