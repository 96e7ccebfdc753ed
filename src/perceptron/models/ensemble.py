"""Predict with the mean of models that were trained apart."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from perceptron.models.binary import BinaryClassifier
from perceptron.models.standardize import Standardize
from perceptron.models.task_module import TaskModule


class Member(nn.Module):
    """A trained network behind its own standardisation.

    Shape: ``(batch, n_features)`` raw to ``(batch, n_outputs)``, or ``(batch, members, n_outputs)`` where it is an
    ensemble itself, in the ensemble's standardisation.

    Args:
        network: as in ``TaskModule``.
        n_features: width of the input.
        n_outputs: width of the network's output.
    """

    def __init__(self, network: nn.Module, *, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.standardize = _identity(n_features)
        self.network = network
        # Values that each member standardised by its own training rows, brought to one scale; logits as they are.
        self.rescale = _identity(n_outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Outputs for raw rows."""
        return self.rescale.inverse(self.network(self.standardize(features)))


class Ensemble(nn.Module):
    """The network of a ``TaskModule`` that predicts the mean of its members (Lakshminarayanan et al. 2017).

    Shape: ``(batch, n_features)`` raw to ``(batch, members, n_outputs)``. Its own module's standardisation is the
    identity, for each member has one.

    Args:
        n_features: width of the input.
        n_outputs: width of a member's output.
        networks: gives each member's network for ``n_features`` and ``n_outputs``.
    """

    def __init__(self, *, n_features: int, n_outputs: int, networks: Sequence[Callable[..., nn.Module]]) -> None:
        super().__init__()
        self.members = nn.ModuleList(
            Member(network(n_features=n_features, n_outputs=n_outputs), n_features=n_features, n_outputs=n_outputs)
            for network in networks
        )

    def forward(self, features: Tensor) -> Tensor:
        """Outputs of every member."""
        outputs = [member(features) for member in self.members]
        return torch.cat([each if each.ndim == 3 else each.unsqueeze(1) for each in outputs], dim=1)


def take_members(model: TaskModule, trained: Sequence[TaskModule]) -> None:
    """Give a module around an ``Ensemble`` the weights and standardisations of trained modules.

    A regression's values are brought to the first member's standardisation, which becomes the module's. Of thresholds
    that the members have chosen it takes the mean: each is for probabilities of which the ensemble's is the mean, and
    there may be no row that none of them was trained on.

    Args:
        model: of the same kind as the trained ones.
        trained: one per member, in order, each with a network of that member's shape.
    """
    common = getattr(trained[0], "standardize_target", None)
    if common is not None:
        model.standardize_target.load_state_dict(common.state_dict())  # type: ignore[union-attr]
    if isinstance(model, BinaryClassifier) and model.chooses_threshold:
        cuts = [module.threshold for module in trained if isinstance(module, BinaryClassifier)]
        model.take_threshold(sum(cuts) / len(cuts))
    assert isinstance(model.network, Ensemble)  # noqa: S101
    for member, module in zip(model.network.members, trained, strict=True):
        assert isinstance(member, Member)  # noqa: S101
        member.network.load_state_dict(module.network.state_dict())
        member.standardize.load_state_dict(module.standardize.state_dict())
        if common is not None:
            own = module.standardize_target
            # In double precision: of equal standardisations exactly the identity is left.
            scale, mean = common.scale.double(), common.mean.double()
            member.rescale.scale.copy_(own.scale.double() / scale)  # type: ignore[union-attr]
            member.rescale.mean.copy_((own.mean.double() - mean) / scale)  # type: ignore[union-attr]


def _identity(n_columns: int) -> Standardize:
    return Standardize(np.zeros(n_columns), np.ones(n_columns))
