"""An ensemble of trained models answers with the mean of what its members answer."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from perceptron.models import (
    BinaryClassifier,
    Ensemble,
    MulticlassClassifier,
    Regressor,
    Standardize,
    TaskModule,
    take_members,
)
from perceptron.networks import MLP

FEATURES = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
N_OUTPUTS = {BinaryClassifier: 1, MulticlassClassifier: 3, Regressor: 2}


class Several(nn.Module):
    """A network that is an ensemble of three itself."""

    def __init__(self, *, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(MLP(n_features=n_features, n_outputs=n_outputs) for _ in range(3))

    def forward(self, features: Tensor) -> Tensor:
        return torch.stack([network(features) for network in self.networks], dim=1)


def _model(kind: type[TaskModule], network: nn.Module, seed: int, **settings: Any) -> TaskModule:
    """A module whose standardisations are its own."""
    random = np.random.default_rng(seed)
    if kind is Regressor:
        scale = random.uniform(1, 9, N_OUTPUTS[kind])
        settings["standardize_target"] = Standardize(random.normal(50, 9, len(scale)), scale)
    return kind(
        network=network, standardize=Standardize(random.normal(size=4), random.uniform(1, 3, 4)), **settings
    ).eval()


def _members(kind: type[TaskModule], **settings: Any) -> list[TaskModule]:
    made = []
    for seed, hidden in enumerate([(), (5,), (6, 7)]):
        torch.manual_seed(seed)
        made.append(_model(kind, MLP(n_features=4, n_outputs=N_OUTPUTS[kind], hidden=hidden), seed, **settings))
    return made


def _around(kind: type[TaskModule], trained: list[TaskModule], **settings: Any) -> TaskModule:
    """A module around an ensemble of members that have other weights yet."""
    shapes = [(), (5,), (6, 7)][: len(trained)]
    network = Ensemble(
        n_features=4,
        n_outputs=N_OUTPUTS[kind],
        networks=[lambda hidden=hidden, **sizes: MLP(**sizes, hidden=hidden) for hidden in shapes],
    )
    model = _model(kind, network, 9, **settings)
    model.standardize = Standardize(np.zeros(4), np.ones(4))
    take_members(model, trained)
    return model


@pytest.mark.parametrize("kind", [BinaryClassifier, MulticlassClassifier])
def test_probabilities_are_the_mean_of_the_members(kind: type[TaskModule]) -> None:
    trained = _members(kind)
    model = _around(kind, trained)
    found = [member.predict(FEATURES) for member in trained]
    together = model.predict(FEATURES)
    probabilities = torch.stack([each.probabilities for each in found])  # type: ignore[misc]
    torch.testing.assert_close(together.probabilities, probabilities.mean(dim=0))
    of_label = probabilities.gather(2, together.labels.expand(3, -1)[:, :, None]).squeeze(2)
    torch.testing.assert_close(together.spread, of_label.std(dim=0, correction=0))
    assert len(together.labels.unique()) > 1
    assert model.network(FEATURES).shape == (20, 3, N_OUTPUTS[kind])


def test_values_of_members_with_other_standardisations_are_averaged_in_their_units() -> None:
    trained = _members(Regressor)
    model = _around(Regressor, trained)
    values = torch.stack([member.predict(FEATURES).labels for member in trained])
    together = model.predict(FEATURES)
    torch.testing.assert_close(together.labels, values.mean(dim=0))
    torch.testing.assert_close(together.spread, values.std(dim=0, correction=0))
    assert together.probabilities is None
    # In the standardisation of the first, whose outputs stay as they are to the bit.
    first = model.network.members[0]  # type: ignore[union-attr,index]
    assert torch.equal(first(FEATURES), trained[0].network(trained[0].standardize(FEATURES)))
    assert torch.equal(model.standardize_target.scale, trained[0].standardize_target.scale)  # type: ignore[union-attr]
    assert torch.equal(model.standardize_target.mean, trained[0].standardize_target.mean)  # type: ignore[union-attr]


def test_its_threshold_is_the_mean_of_those_that_its_members_chose() -> None:
    trained = _members(BinaryClassifier, threshold="auto")
    for member, threshold in zip(trained, (0.25, 0.5, 0.375), strict=True):
        member.take_threshold(threshold)  # type: ignore[operator]
    assert _around(BinaryClassifier, trained, threshold="auto").threshold == 0.375
    assert _around(BinaryClassifier, trained, threshold=0.8).threshold == pytest.approx(0.8)


def test_members_that_are_ensembles_answer_beside_the_others() -> None:
    torch.manual_seed(0)
    network = Ensemble(n_features=4, n_outputs=3, networks=[Several, MLP])
    outputs = network(FEATURES)
    assert outputs.shape == (20, 4, 3)
    several, alone = network.members
    torch.testing.assert_close(outputs[:, :3], several.network(FEATURES))
    torch.testing.assert_close(outputs[:, 3], alone.network(FEATURES))


def test_as_many_models_as_members() -> None:
    trained = _members(MulticlassClassifier)
    model = _around(MulticlassClassifier, trained)
    with pytest.raises(ValueError, match="zip"):
        take_members(model, trained[:2])
