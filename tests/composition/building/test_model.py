"""Models of one's own."""

from typing import Any

import pytest
import torch
from torch import Tensor

from perceptron.composition.building.data import build_data
from perceptron.composition.building.model import build_model
from perceptron.errors import UsageError
from perceptron.models import BinaryClassifier
from perceptron.networks import MLP


class Doubled(BinaryClassifier):
    """Losses of one's own."""

    def row_losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        return 2 * super().row_losses(outputs, target)


class Forward(BinaryClassifier):
    """Training would not call it."""

    def forward(self, features: Tensor) -> Tensor:
        return 2 * super().forward(features)


class OwnSteps(Forward):
    """Training calls what is called here."""

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor:  # noqa: ARG002
        features, target, *_ = batch
        return self.row_losses(self(features), target).mean()


def built(composed: Any, target: str) -> Any:
    cfg, chosen = composed("model=binary_mlp", f"model._target_={target}")
    return build_model(cfg, build_data(cfg.data), chosen=chosen)


def test_a_subclass_with_losses_of_its_own(composed) -> None:
    model = built(composed, f"{__name__}.Doubled")
    outputs, target = torch.randn(4, 1), torch.tensor([0, 1, 0, 1])
    own = MLP(n_features=30, n_outputs=1, hidden=[100])
    plain = BinaryClassifier(network=own, standardize=model.standardize)
    torch.testing.assert_close(model.row_losses(outputs, target), 2 * plain.row_losses(outputs, target))


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("nowhere.Model", "model._target_ must be a class that can be imported, got nowhere.Model"),
        ("torch.nn.Linear", "model._target_ must be a BinaryClassifier, MulticlassClassifier or Regressor"),
        (
            f"{__name__}.Forward",
            "a model that overrides forward must override training_step too, which does not call it",
        ),
    ],
)
def test_a_class_that_cannot_be_the_model(target: str, says: str, composed) -> None:
    with pytest.raises(UsageError) as caught:
        built(composed, target)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_a_subclass_with_steps_of_its_own(composed) -> None:
    assert isinstance(built(composed, f"{__name__}.OwnSteps"), OwnSteps)
